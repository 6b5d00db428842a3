// Time as an injected value, so that everything that waits can be tested with a fake clock.

/** Milliseconds: a point in time when it comes from `Clock.now`, a length otherwise. */
export type Millis = number

export interface Clock {
  /** Now, in milliseconds since the epoch. */
  now(): Millis
  /** Calls `callback` once at or after `at`; returns what cancels it. */
  at(at: Millis, callback: () => void): () => void
}

/** The longest delay a Node timer takes; longer waits are cut and asked for again by the caller. */
const longestDelay = 2 ** 31 - 1

export const systemClock: Clock = clockOf(() => Date.now())

const began = Date.now() - process.uptime() * 1000

/**
 * What the time would be if nobody had set the clock, nor the machine slept, since this process began. By it deadlines neither
 * pass all at once nor stand still; what is told to people, or comes at an hour of the day, is a matter of `systemClock`.
 */
export const steadyClock: Clock = clockOf(() => Math.floor(began + process.uptime() * 1000))

function clockOf(now: () => Millis): Clock {
  return {
    now,
    at(at, callback) {
      const timer = setTimeout(callback, Math.min(Math.max(0, at - now()), longestDelay))
      return () => clearTimeout(timer)
    },
  }
}
