// How much of the time in which a worker did not answer it has to answer for.
import type { Millis } from '../kernel/clock.ts'
import type { MainThread } from '../process/main-thread.ts'

/**
 * A worker that gets a quarter of a processor answers in time if it is well: between two of its tasks. One that wants to run
 * and gets less is short of processor, not blocked, and its silence counts for so much less.
 */
const fairShare = 1 / 4

/** Some lateness of our own is usual on a busy machine. Early is late as well: somebody has set the clock. */
export function isOnTime(elapsed: Millis, expected: Millis): boolean {
  return elapsed >= expected - 1 && elapsed <= expected * 1.5 + 50
}

/** What of a stretch of silence counts; `cpuBefore`: the processor time its main thread had used when the stretch began. */
export function answeredFor(
  main: MainThread | undefined,
  cpuBefore: Millis | undefined,
  elapsed: Millis,
): Millis {
  if (main?.state !== 'running' || cpuBefore === undefined) return elapsed
  return Math.min(elapsed, (main.cpu - cpuBefore) / fairShare)
}
