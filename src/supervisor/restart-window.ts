// Whether and when a crashed slot is restarted: exponential backoff, and Erlang/OTP's restart intensity.
import type { Millis } from '../kernel/clock.ts'
import type { Policy } from './state.ts'

export type RestartPlan =
  | { type: 'restart'; delay: Millis; crashes: number; restarts: readonly Millis[] }
  | { type: 'give-up'; restarts: number }

/**
 * The first crash is restarted at once. Each further one doubles the delay, until a worker has stayed ready for a
 * whole period. No window of `period` ever sees more than `intensity` restarts of the slot.
 */
export function planRestart(
  slot: { crashes: number; restarts: readonly Millis[] },
  policy: Pick<Policy, 'intensity' | 'period' | 'backoff'>,
  wasReadyFor: Millis,
  now: Millis,
): RestartPlan {
  const crashes = wasReadyFor >= policy.period ? 1 : slot.crashes + 1
  const delay = crashes === 1 ? 0 : Math.min(policy.backoff.from * 2 ** (crashes - 2), policy.backoff.to)
  const at = now + delay
  const recent = slot.restarts.filter((time) => time > at - policy.period)
  if (recent.length >= policy.intensity) return { type: 'give-up', restarts: recent.length }
  return { type: 'restart', delay, crashes, restarts: [...recent, at] }
}
