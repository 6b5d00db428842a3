// When a delivery that failed is tried again.
import type { Millis } from '../../kernel/clock.ts'

export const tries = 5
const firstDelay: Millis = 1000
const longestDelay: Millis = 60_000
/** 1 s, 4 s, 16 s, 60 s: a receiver that is being restarted is back by then. */
const growth = 4
/** Up to this share is added to or taken from a delay, so that what failed together does not come back together. */
const jitter = 0.25
/** A receiver that asks for more would block all that comes after. */
const longestWish: Millis = 3_600_000

/** `failed`: how many tries have failed; `random`: 0 to 1; `wish`: when the receiver wants to be asked again. */
export function nextTry(now: Millis, failed: number, random: number, wish: Millis | undefined): Millis {
  const delay = Math.min(firstDelay * growth ** (failed - 1), longestDelay)
  const jittered = now + delay * (1 - jitter + 2 * jitter * random)
  return wish === undefined ? jittered : Math.max(jittered, Math.min(wish, now + longestWish))
}
