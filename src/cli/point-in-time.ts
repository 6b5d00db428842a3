// Points in time as people write them: '1h' ago, '22:00', 'yesterday 22:00', '2026-11-20T22:00'; local time unless a zone says other.
import type { Millis } from '../kernel/clock.ts'
import { parseDuration } from '../kernel/duration.ts'
import { BroodError } from '../kernel/errors.ts'

/** As programs and logs write it. */
const withZone = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)$/
const local =
  /^(?:(today|yesterday|\d{4}-\d\d-\d\d)(?:[T ](?=\d)|$))?(?:(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?$/

/** What an option says. Throws `usage` when that is none. */
export function pointInTime(option: string, text: string, now: Millis): Millis {
  const at = parsePointInTime(text, now)
  if (at !== undefined) return at
  throw new BroodError(
    'usage',
    `${option} ${text}: write a time such as 1h (ago), 22:00, 'yesterday 22:00' or 2026-11-20T22:00`,
  )
}

/** Undefined when it is none. A time of day alone is the latest there has been. */
export function parsePointInTime(text: string, now: Millis): Millis | undefined {
  const ago = /[a-z]$/.test(text) ? parseDuration(text) : undefined
  if (ago !== undefined) return Math.max(0, now - ago)
  const zoned = withZone.exec(text)
  if (zoned !== null) {
    const [, day, time, zone] = zoned
    const at = Date.parse(`${day}T${time}${zone}`)
    return Number.isNaN(at) || dayOf(day, now) === undefined ? undefined : Math.max(0, at)
  }
  const match = local.exec(text)
  if (match === null || text === '') return undefined
  const [, day, hours = '0', minutes = '0', seconds = '0', fraction = '0'] = match
  const time = [Number(hours), Number(minutes), Number(seconds)] as const
  if (time[0] > 23 || time[1] > 59 || time[2] > 59) return undefined
  const date = dayOf(day, now)
  if (date === undefined) return undefined
  date.setHours(...time, Number(fraction.padEnd(3, '0')))
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
