// Waiting that ends early when it is called off.
import type { Clock, Millis } from '../../kernel/clock.ts'

/** Settles at `at`, or as soon as `signal` aborts. */
export function pause(clock: Clock, at: Millis, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const over = (): void => {
    // A long wait may have been cut.
    if (!signal.aborted && clock.now() < at) {
      cancel = clock.at(at, over)
      return
    }
    cancel()
    signal.removeEventListener('abort', over)
    resolve()
  }
  let cancel = clock.at(at, over)
  signal.addEventListener('abort', over)
  return promise
}
