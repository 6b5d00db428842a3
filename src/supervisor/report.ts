// An app's state in the words of `brood list` and `brood show`.
import type { Millis } from '../kernel/clock.ts'
import { usageOf } from '../process/usage.ts'
import { isLeaving } from './phases.ts'
import type { AppState, Worker } from './state.ts'

type AppStatus =
  | 'stopped'
  /** For what it depends on. */
  | 'waiting'
  | 'starting'
  | 'running'
  | 'reloading'
  | 'restarting'
  | 'stopping'
  | 'degraded'
  | 'failed'

export interface WorkerReport {
  readonly slot: number
  readonly pid: number | null
  readonly state: Worker['at'] | 'backoff' | 'failed' | 'done' | 'stopped'
  /** Milliseconds since its start. */
  readonly uptime: Millis | null
  /** How often the slot's workers ended unasked. */
  readonly restarts: number
  /** Bytes. */
  readonly rss: number | null
  /** Average share of one processor since its start, in percent. */
  readonly cpu: number | null
  /** Open connections; null where they are not counted. */
  readonly connections: number | null
  /** Its event loop does not turn just now; known of apps that connections come in for. */
  readonly blocked: boolean
  /** Other slots whose connections it takes meanwhile. */
  readonly adopted: readonly number[]
}

export interface AppReport {
  readonly name: string
  readonly script: string
  readonly status: AppStatus
  readonly size: number
  readonly addresses: readonly string[]
  readonly workers: readonly WorkerReport[]
}

export interface WorkerFacts {
  readonly pid: number | undefined
  readonly startedAt: Millis
  /** Open, by the worker's last word; undefined where it has not been asked. */
  readonly connections: number | undefined
}

export function reportOf(app: {
  name: string
  script: string
  state: AppState
  live: ReadonlyMap<number, WorkerFacts>
  restartsOf(slot: number): number
  addresses: readonly { key: string; label: string }[]
  adopted: readonly { key: string; slot: number; worker: number }[]
  isBlocked(worker: number): boolean
  now: Millis
}): AppReport {
  const workers = [...app.state.workers.values()].map((worker) => {
    const facts = app.live.get(worker.id)
    const usage = facts?.pid === undefined ? undefined : usageOf(facts.pid)
    const uptime = facts === undefined ? null : app.now - facts.startedAt
    return {
      slot: worker.slot,
      pid: facts?.pid ?? null,
      state: worker.at,
      uptime,
      restarts: app.restartsOf(worker.slot),
      rss: usage?.rss ?? null,
      cpu: usage === undefined || uptime === null || uptime <= 0 ? null : (usage.cpu / uptime) * 100,
      connections: facts?.connections ?? null,
      blocked: app.isBlocked(worker.id),
      adopted: app.adopted.filter((one) => one.worker === worker.id).map((one) => one.slot),
    } satisfies WorkerReport
  })
  const empty = app.state.slots.flatMap((slot, index) =>
    index >= app.state.size || workers.some((worker) => worker.slot === index)
      ? []
      : [emptySlot(index, slot.at === 'active' ? 'stopped' : slot.at, app.restartsOf(index))],
  )
  return {
    name: app.name,
    script: app.script,
    status: statusOf(app.state),
    size: app.state.size,
    addresses: app.addresses.map(({ label }) => label),
    workers: [...workers, ...empty].toSorted((a, b) => a.slot - b.slot),
  }
}

function emptySlot(slot: number, state: WorkerReport['state'], restarts: number): WorkerReport {
  return {
    ...{ slot, pid: null, state, uptime: null, restarts },
    ...{ rss: null, cpu: null, connections: null, blocked: false, adopted: [] },
  }
}

function statusOf(state: AppState): AppStatus {
  const workers = [...state.workers.values()]
  const failed = state.slots.slice(0, state.size).filter((slot) => slot.at === 'failed').length
  if (state.wanted === 'stopped') {
    if (workers.length > 0) return 'stopping'
    return failed > 0 ? 'failed' : 'stopped'
  }
  if (state.operation.type === 'reload') return 'reloading'
  if (state.operation.type === 'restart') return 'restarting'
  const up = workers.filter((worker) => worker.at === 'ready' || worker.at === 'settling').length
  if (failed > 0 && workers.every(isLeaving)) return 'failed'
  if (failed > 0) return 'degraded'
  if (up >= state.size) return 'running'
  if (up === 0 && state.slots.length > 0 && state.slots.every((slot) => slot.at === 'done')) return 'stopped'
  return up === 0 || state.operation.type === 'start' ? 'starting' : 'degraded'
}
