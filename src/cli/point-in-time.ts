// Points in time as people write them: '1h' ago, '22:00', 'yesterday 22:00', '2026-11-20T22:00'; local time.
import type { Millis } from '../kernel/clock.ts'
import { parseDuration } from '../kernel/duration.ts'

/** Undefined when it is none. A time of day alone is the latest there has been. */
export function parsePointInTime(text: string, now: Millis): Millis | undefined {
  const ago = /[a-z]$/.test(text) ? parseDuration(text) : undefined
  if (ago !== undefined) return Math.max(0, now - ago)
  const match =
    /^(?:(today|yesterday|\d{4}-\d\d-\d\d)(?:[T ](?=\d)|$))?(?:(\d\d?):(\d\d)(?::(\d\d))?)?$/.exec(text)
  if (match === null || text === '') return undefined
  const [, day, hours = '0', minutes = '0', seconds = '0'] = match
  const time = [Number(hours), Number(minutes), Number(seconds)] as const
  if (time[0] > 23 || time[1] > 59 || time[2] > 59) return undefined
  const date = dayOf(day, now)
  if (date === undefined) return undefined
  date.setHours(...time, 0)
  if (day === undefined && date.getTime() > now) date.setDate(date.getDate() - 1)
  return Math.max(0, date.getTime())
}

function dayOf(day: string | undefined, now: Millis): Date | undefined {
  const date = new Date(now)
  if (day === undefined || day === 'today') return date
  if (day === 'yesterday') {
    date.setDate(date.getDate() - 1)
    return date
  }
  const [year = 0, month = 0, dayOfMonth = 0] = day.split('-').map(Number)
  const there = new Date(year, month - 1, dayOfMonth)
  return there.getMonth() === month - 1 ? there : undefined // 30 February would be a day in March
}
