// Whether and when a crashed slot is restarted: exponential backoff, and Erlang/OTP's restart intensity.
import type { Millis } from '../kernel/clock.ts'
import { spread } from '../kernel/jitter.ts'
import type { Policy } from './state.ts'

export type RestartPlan =
  | { type: 'restart'; delay: Millis; crashes: number; restarts: readonly Millis[] }
  | { type: 'give-up'; restarts: number }

/** How a worker came to its end. */
export interface WorkerEnd {
  /** Zero if it never was ready. */
  readonly wasReadyFor: Millis
  /** Killed by a signal from outside while it was ready: no sign of a crash loop. */
  readonly fromOutside: boolean
}

/**
 * The first crash is restarted at once. Each further one doubles the delay, until a worker has stayed ready for a
 * whole period. A ready worker that was killed is always replaced at once. No window of `period` ever sees more than
 * `intensity` restarts of the slot.
 */
export function planRestart(
  slot: { crashes: number; restarts: readonly Millis[] },
  policy: Pick<Policy, 'intensity' | 'period' | 'backoff'>,
  end: WorkerEnd,
  now: Millis,
  chance: number,
): RestartPlan {
  const earlier = end.wasReadyFor >= policy.period ? 0 : slot.crashes
  const crashes = end.fromOutside ? earlier : earlier + 1
  const { from, to, jitter } = policy.backoff
  // Beyond any `to`, and yet a number: nothing times infinity is none.
  const doublings = Math.min(crashes - 2, 1000)
  const backoff = crashes <= 1 ? 0 : spread(Math.min(from * 2 ** doublings, to), jitter, chance)
  const delay = end.fromOutside ? 0 : backoff
  const at = now + delay
  const recent = slot.restarts.filter((time) => time > at - policy.period)
  if (recent.length >= policy.intensity) return { type: 'give-up', restarts: recent.length }
  return { type: 'restart', delay, crashes, restarts: [...recent, at] }
}
