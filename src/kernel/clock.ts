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

export const systemClock: Clock = {
  now: () => Date.now(),
  at(at, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, at - Date.now()), longestDelay))
    return () => clearTimeout(timer)
  },
}
