// Questions to a lifecycle state: who is leaving, whether anybody is there, when time itself is the next event.
import type { Millis } from '../kernel/clock.ts'
import type { AppState, Worker } from './state.ts'

/** Whether a worker is on its way out. */
export function isLeaving(worker: Worker): boolean {
  return worker.at === 'draining' || worker.at === 'ending' || worker.at === 'killed'
}

/** Whether any worker is there, or is to be. */
export function isAlive(state: Pick<AppState, 'workers' | 'wanted' | 'slots' | 'size'>): boolean {
  if (state.workers.size > 0) return true
  if (state.wanted === 'stopped') return false
  return (
    state.slots.length < state.size ||
    state.slots.some((slot) => slot.at === 'active' || slot.at === 'backoff')
  )
}

/** When the state wants a `tick`, or undefined if it waits for nothing but events. */
export function nextDeadline(state: AppState): Millis | undefined {
  const times = [...state.workers.values()].map(deadlineOf)
  for (const slot of state.slots) times.push(slot.at === 'backoff' ? slot.retryAt : Infinity)
  if (canRenew(state)) times.push(state.renewAfter)
  const first = Math.min(...times)
  return Number.isFinite(first) ? first : undefined
}

/** Whether a renewal waits for nothing but its time. */
function canRenew({ renewals, operation, wanted }: AppState): boolean {
  return renewals.length > 0 && operation.type === 'none' && wanted === 'running'
}

export function deadlineOf(worker: Worker): Millis {
  switch (worker.at) {
    case 'returning':
    case 'starting':
      return worker.deadline
    case 'settling':
      return worker.until
    case 'ready':
      return worker.renewAt
    case 'killed':
      return Infinity
    case 'draining':
      return worker.signalAt
    case 'ending':
      return worker.killAt
  }
}
