// Lengths of time that differ a little from case to case, so that not everybody comes back at once.
import type { Millis } from './clock.ts'

/** Longer or shorter by up to the share `jitter`; `chance` is a random number from 0 to below 1, its middle changes nothing. */
export function spread(length: Millis, jitter: number, chance: number): Millis {
  return Math.round(length * (1 + jitter * (2 * chance - 1)))
}
