// Acts at the times of a cron pattern, in the machine's time zone.
import { Cron } from 'croner'
import type { Clock, Millis } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'

/**
 * Timers stand still while the machine sleeps, and know nothing of a clock that is set: the time is looked at each minute,
 * which also is less than the longest delay a timer takes.
 */
const longestWait: Millis = 60_000
/** A clock set back by more was wrong before, and so is what was reckoned by it; by less it must not make an act come twice. */
const muchBack: Millis = 3_600_000

/**
 * `pattern`: five fields, or six with seconds first, or a nickname such as `@daily`. When several times were missed, it acts
 * once. A local time that daylight saving skips counts as the end of the gap; one that it repeats is the first of the two.
 * Throws `usage`.
 */
export function everyCron(
  pattern: string,
  clock: Clock,
  act: () => void,
): { next(): Millis | undefined; close(): void } {
  const times = parse(pattern)
  const after = (time: Millis): Millis | undefined => times.nextRun(new Date(time))?.getTime()
  let seen = clock.now()
  let next = after(seen)
  let cancel = arm()
  return { next: () => next, close: () => cancel() }

  function arm(): () => void {
    // A date that never comes, such as 30 February.
    if (next === undefined) return () => {}
    return clock.at(Math.min(next, clock.now() + longestWait), look)
  }

  function look(): void {
    const now = clock.now()
    const isDue = next !== undefined && now >= next
    if (isDue || now < seen - muchBack) next = after(now)
    seen = now
    cancel = arm()
    if (isDue) act()
  }
}

function parse(pattern: string): Cron {
  try {
    return new Cron(pattern)
  } catch (cause) {
    const example = "write minute, hour, day, month and weekday, such as '30 4 * * 0'"
    const why = messageOf(cause).replace(/^CronPattern: |\.$/g, '')
    throw new BroodError('usage', `'${pattern}' is no cron pattern: ${why}; ${example}`, { cause })
  }
}
