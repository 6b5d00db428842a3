// What follows when a worker is gone: nothing if it was told to go, else a restart, a pause, or the end of its slot.
import { formatDuration } from '../kernel/duration.ts'
import type { Draft } from './draft.ts'
import { isLeaving } from './phases.ts'
import { abortReload, isProving, isReplaced } from './reload.ts'
import { planRestart, type WorkerEnd } from './restart-window.ts'
import type { Exit, Worker } from './state.ts'

/** What kills a program that does nothing wrong: people, and the kernel when memory runs out. */
const outsideSignals: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

export function workerExited(draft: Draft, id: number, exit: Exit, reason: string): void {
  const worker = draft.workers.get(id)
  if (worker === undefined) return
  draft.workers.delete(id)
  draft.renewals = draft.renewals.filter((one) => one.worker !== id)
  const fault = worker.at === 'ending' || worker.at === 'killed' ? worker.fault : undefined
  const expected = isLeaving(worker) && fault === undefined
  const { slot } = worker
  draft.notice({ type: 'worker-exited', worker: id, slot, expected, reason: fault ?? reason })
  if (!expected) crashed(draft, worker, fault === undefined ? exit : undefined, fault ?? reason)
}

/** Without `exit`, brood itself ended the worker for a fault. */
function crashed(draft: Draft, worker: Worker, exit: Exit | undefined, reason: string): void {
  const { slot } = worker
  if (isProving(draft.operation, worker.id)) {
    abortReload(draft, slot, reason)
    // The old worker goes on; if the slot had none, it is a crash like any other.
    if (draft.occupants(slot).length > 0) return
  }
  if (!draft.isWanted(slot)) return
  // Another worker holds the slot: the other half of a reload, or the one that has taken it over.
  if (draft.occupants(slot).length > 0) return
  const { restart, stopExitCodes } = draft.policy
  const isFinished =
    typeof exit?.code === 'number' &&
    ((restart !== 'permanent' && exit.code === 0) || stopExitCodes.includes(exit.code))
  const { operation } = draft
  // An exit code that says "do not try again" is bad news all the same for whoever waits for the first start.
  const isFailure = !isFinished || (exit?.code !== 0 && worker.at !== 'ready')
  if (operation.type === 'start' && operation.fresh && isFailure) return failStart(draft, slot, reason)
  if (isFinished || restart === 'temporary') {
    draft.setSlot(slot, { ...draft.slot(slot), at: 'done' })
    return
  }
  const wasReadyFor = worker.at === 'ready' ? draft.now - worker.since : 0
  const fromOutside = worker.at === 'ready' && outsideSignals.has(exit?.signal ?? '')
  restartOrGiveUp(draft, slot, { wasReadyFor, fromOutside }, reason)
}

function failStart(draft: Draft, slot: number, reason: string): void {
  draft.wanted = 'stopped'
  draft.setSlot(slot, { ...draft.slot(slot), at: 'failed', reason })
  draft.finish({ type: 'start-failed', slot, reason })
}

function restartOrGiveUp(draft: Draft, slot: number, end: WorkerEnd, reason: string): void {
  const { policy, now } = draft
  const plan = planRestart(draft.slot(slot), policy, end, now, draft.chance)
  if (plan.type === 'give-up') {
    const text = `${plan.restarts} restarts within ${formatDuration(policy.period)}; the last: ${reason}`
    draft.setSlot(slot, { ...draft.slot(slot), at: 'failed', reason: text })
    draft.notice({ type: 'slot-failed', slot, reason: text })
    // It did not last: the slots to come are better off with what they have.
    if (isReplaced(draft, slot)) abortReload(draft, slot, text)
    return
  }
  const { crashes, restarts, delay } = plan
  const { release } = draft.slot(slot)
  if (delay === 0) {
    draft.setSlot(slot, { at: 'active', crashes, restarts, release })
  } else {
    draft.setSlot(slot, { at: 'backoff', crashes, restarts, release, retryAt: now + delay })
    draft.notice({ type: 'worker-backoff', slot, delay })
  }
}
