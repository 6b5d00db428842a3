// A point in time as people write it: so long ago (`10m`), or a date and a time of day.
import type { Millis } from '../../kernel/clock.ts'
import { parseDuration } from '../../kernel/duration.ts'
import { BroodError } from '../../kernel/errors.ts'

const date = /^\d{4}-\d\d-\d\d$/
const dateAndTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?$/

/** Without a zone it is local time; a date alone is its first moment. */
export function pointInTime(option: string, text: string, now: Millis): Millis {
  const ago = /[a-z]$/.test(text) ? parseDuration(text) : undefined
  if (ago !== undefined) return now - ago
  const at = date.test(text)
    ? Date.parse(`${text}T00:00`) // without a time, Date would take it for UTC
    : dateAndTime.test(text)
      ? Date.parse(text.replace(' ', 'T'))
      : Number.NaN
  if (!Number.isNaN(at)) return at
  throw new BroodError(
    'usage',
    `${option} ${text}: write how long ago (10m, 2h, 3d), or a date and time (2026-11-21T10:00)`,
  )
}
