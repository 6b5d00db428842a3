// Passive health of an upstream: one that cannot be reached is left out for a short, growing time.
import type { Millis } from '../kernel/clock.ts'

/** Milliseconds: the first time and the longest. Short, because a worker is back within a second as a rule. */
const leftOut = { first: 200, most: 5000 } as const

export type Health =
  | { readonly at: 'up' }
  | { readonly at: 'out'; readonly failures: number; readonly until: Millis }

export const up: Health = { at: 'up' }

/** A connection to it failed. Failures of connections that began before the last one count are counted once. */
export function afterFailure(health: Health, now: Millis): Health {
  if (health.at === 'out' && now < health.until) return health
  const failures = health.at === 'out' ? health.failures + 1 : 1
  const length = Math.min(leftOut.most, leftOut.first * 2 ** Math.min(failures - 1, 16))
  return { at: 'out', failures, until: now + length }
}

/** Whether it is to be asked only if nobody else is there. */
export function isOut(health: Health, now: Millis): boolean {
  return health.at === 'out' && now < health.until
}
