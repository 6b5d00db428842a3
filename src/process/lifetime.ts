// What ends a child unasked: its timeouts, an AbortSignal, and the orderly exit of this process.
import type { ChildProcess } from 'node:child_process'
import type { Clock, Millis } from '../kernel/clock.ts'
import type { AskedBy } from './exit.ts'
import { endWithThisProcess } from './live-children.ts'
import type { Birth } from './start-process.ts'

export interface LifetimeEvents {
  end(why: AskedBy): void
  /** This process exits: there is no time left but for a signal. */
  endNow(): void
}

export interface Lifetime {
  /** The timeouts no longer count, and no timer keeps this process alive. */
  stopTiming(): void
  /** The child has exited. */
  over(): void
}

export function limitLifetime(
  process: ChildProcess,
  { options, startTimeout = Number.POSITIVE_INFINITY }: Birth,
  startedAt: Millis,
  clock: Clock,
  events: LifetimeEvents,
): Lifetime {
  const { timeout = Number.POSITIVE_INFINITY, signal, detached = false } = options
  const after = (length: Millis): (() => void) =>
    length === Number.POSITIVE_INFINITY ? nothing : clock.at(startedAt + length, () => events.end('timeout'))
  const cancelTimeout = after(timeout)
  const cancelStart = after(startTimeout)
  process.once('message', cancelStart)
  const aborted = (): void => events.end('abort')
  signal?.addEventListener('abort', aborted, { once: true })
  const { parentDeath = detached ? 'survive' : 'end-on-exit' } = options
  const forgetExit = parentDeath === 'end-on-exit' ? endWithThisProcess(events.endNow) : nothing
  const stopTiming = (): void => {
    cancelTimeout()
    cancelStart()
  }
  return {
    stopTiming,
    over() {
      stopTiming()
      signal?.removeEventListener('abort', aborted)
      forgetExit()
    },
  }
}

function nothing(): void {}
