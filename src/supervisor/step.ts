// A worker's whole life as one pure function: state and event in, new state and what is to be done out.
import type { Millis } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { Draft } from './draft.ts'
import { deadlineOf, isAlive, isLeaving } from './phases.ts'
import { beginReload, beginRenewal, finishReload, isProving, progressReload } from './reload.ts'
import type { AppState, Command, Effect, Event, Policy, Worker } from './state.ts'
import { workerExited } from './worker-end.ts'

export interface Step {
  readonly state: AppState
  readonly effects: readonly Effect[]
}

/**
 * Total: every event is understood in every state; what makes no sense there changes nothing. `chance`, from 0 to below
 * 1, is what randomness there is; in the middle nothing is spread.
 */
export function step(state: AppState, event: Event, now: Millis, chance = 0.5): Step {
  const draft = new Draft(state, now, chance)
  take(draft, event)
  converge(draft, isAlive(state))
  return { state: draft.state, effects: draft.effects }
}

function take(draft: Draft, event: Event): void {
  switch (event.type) {
    case 'start':
    case 'restart':
    case 'reload':
    case 'scale':
      return command(draft, event)
    case 'stop':
      // Stopping is always possible: it takes the place of whatever else was going on.
      draft.wanted = 'stopped'
      draft.operation = { type: 'stop' }
      draft.pending = undefined
      return
    case 'policy':
      return policy(draft, event.policy)
    case 'found':
      return found(draft, event)
    case 'returned':
      return returned(draft, event.worker, event.phase)
    case 'ready':
      return ready(draft, event.worker)
    case 'drained':
      return drained(draft, event.worker)
    case 'unready':
      return unready(draft, event.worker, event.problem)
    case 'renew':
      return renew(draft, event.worker, event.reason)
    case 'blocked':
    case 'fault':
      return fault(draft, event)
    case 'exited':
      return workerExited(draft, event.worker, event.exit, event.reason)
    case 'tick':
      return tick(draft)
  }
}

/** Brings what is to what is wanted, and the operation in progress to its next stage or its end. */
function converge(draft: Draft, wasAlive: boolean): void {
  beginRenewal(draft)
  progressReload(draft)
  for (const slot of draft.allSlots()) settleDoubles(draft, slot)
  for (const worker of [...draft.workers.values()]) {
    if (!isLeaving(worker) && !draft.isWanted(worker.slot)) draft.leave(worker)
  }
  for (const slot of draft.allSlots()) if (draft.isWanted(slot)) occupy(draft, slot)
  // What waits may change what is wanted, so it comes before the end of everything is told.
  const isFree = draft.operation.type === 'none' || finishRenewal(draft)
  if (draft.pending !== undefined && isFree) {
    begin(draft, draft.pending)
    draft.pending = undefined
    return converge(draft, wasAlive)
  }
  noticeIfOver(draft, wasAlive)
  finishOperation(draft)
}

/** Whether it was a renewal, and is over now. */
function finishRenewal(draft: Draft): boolean {
  const { operation } = draft
  if (operation.type !== 'reload' || operation.why !== 'renewal') return false
  finishReload(draft, operation)
  return draft.operation.type === 'none'
}

// ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

function command(draft: Draft, event: Command): void {
  const { operation, pending } = draft
  if (operation.type === 'none') return begin(draft, event)
  // Nobody asked for a renewal, so nobody is turned away because of one.
  const isRenewal = operation.type === 'reload' && operation.why === 'renewal'
  if (isRenewal && pending === undefined) draft.pending = event
  else draft.notice({ type: 'refused', command: event.type, during: operation.type })
}

function begin(draft: Draft, event: Command): void {
  switch (event.type) {
    case 'start':
      return start(draft, event.fresh)
    case 'restart':
      draft.release = event.release ?? draft.release
      if (draft.workers.size === 0) return start(draft, false)
      draft.wanted = 'running'
      draft.operation = { type: 'restart' }
      return
    case 'reload':
      if (draft.wanted === 'running') return beginReload(draft, event)
      draft.release = event.release ?? draft.release
      return start(draft, false)
    case 'scale':
      draft.size = event.size
      draft.slots.length = Math.min(draft.slots.length, event.size) // a slot that comes back starts afresh
      draft.operation = { type: 'scale' }
      return
  }
}

function policy(draft: Draft, policy: Policy): void {
  draft.policy = policy
  for (const worker of draft.workers.values()) {
    if (worker.at === 'ready') draft.set({ ...worker, renewAt: draft.renewAt(worker.since) })
  }
}

function start(draft: Draft, fresh: boolean): void {
  // What was wrong with a worker of the last life, which is still on its way out, says nothing about this one.
  if (draft.wanted === 'stopped') {
    for (const worker of draft.workers.values()) draft.set(withoutFault(worker))
  }
  draft.wanted = 'running'
  draft.operation = { type: 'start', fresh }
  draft.slots.fill(draft.freshSlot())
}

function withoutFault(worker: Worker): Worker {
  if (worker.at !== 'ending' && worker.at !== 'killed') return worker
  const { fault: _, ...rest } = worker
  return rest
}

// ── what happens to workers ───────────────────────────────────────────────────────────────────────────────────────

function found(draft: Draft, event: Event & { type: 'found' }): void {
  const { workers, deadline } = event
  for (const { worker: id, slot, release } of workers) {
    if (draft.workers.has(id)) continue
    draft.nextId = Math.max(draft.nextId, id + 1)
    draft.set({ id, slot, release, at: 'returning', deadline })
  }
}

function returned(draft: Draft, id: number, phase: (Event & { type: 'returned' })['phase']): void {
  const worker = draft.workers.get(id)
  if (worker?.at !== 'returning') return
  const { slot, release } = worker
  draft.notice({ type: 'worker-returned', worker: id, slot })
  switch (phase) {
    case 'starting':
      draft.set({ id, slot, release, at: 'starting', deadline: draft.now + draft.policy.readyTimeout })
      return
    case 'ready':
      return draft.becomeReady(worker)
    case 'draining':
      return draft.setDraining(worker)
    case 'drained':
      return draft.end(worker, draft.now + draft.policy.grace)
  }
}

function ready(draft: Draft, id: number): void {
  const worker = draft.workers.get(id)
  if (worker?.at !== 'starting') return
  const { slot, release } = worker
  const { operation, policy } = draft
  if (operation.type === 'reload' && isProving(operation, id)) {
    const watched = operation.canary ? (policy.canary ?? 0) : 0
    const until = draft.now + Math.max(policy.settle, watched)
    draft.set({ id, slot, release, at: 'settling', until })
  } else {
    draft.becomeReady(worker)
  }
  draft.notice({ type: 'worker-ready', worker: id, slot })
}

function unready(draft: Draft, id: number, problem: string): void {
  const worker = draft.workers.get(id)
  if (worker?.at === 'starting') draft.set({ ...worker, problem })
}

function drained(draft: Draft, id: number): void {
  const worker = draft.workers.get(id)
  if (worker?.at === 'draining') draft.end(worker, worker.killAt)
}

function renew(draft: Draft, id: number, reason: string): void {
  if (draft.workers.get(id)?.at !== 'ready') return
  if (draft.renewals.some(({ worker }) => worker === id)) return
  draft.renewals = [...draft.renewals, { worker: id, reason }]
}

function fault(draft: Draft, event: Event & { type: 'fault' | 'blocked' }): void {
  const worker = draft.workers.get(event.worker)
  if (worker === undefined || isLeaving(worker)) return
  // Its exit will no longer tell how long it was ready.
  const isProven = worker.at === 'ready' && draft.now - worker.since >= draft.policy.period
  if (isProven) draft.setSlot(worker.slot, { ...draft.slot(worker.slot), crashes: 0 })
  // A loop that does not turn hears no signal either.
  if (event.type === 'blocked') draft.kill(worker, event.reason)
  else draft.end(worker, draft.now + draft.policy.grace, event.reason)
}

function tick(draft: Draft): void {
  for (const [slot, state] of draft.slots.entries()) {
    if (state.at !== 'backoff' || state.retryAt > draft.now) continue
    const { crashes, restarts, release } = state
    draft.setSlot(slot, { at: 'active', crashes, restarts, release })
  }
  for (const worker of [...draft.workers.values()]) {
    if (deadlineOf(worker) <= draft.now) overdue(draft, worker)
  }
}

function overdue(draft: Draft, worker: Worker): void {
  switch (worker.at) {
    case 'returning':
      return draft.kill(worker, 'did not come back to the new supervisor in time')
    case 'starting':
      return draft.kill(worker, notReady(draft, worker.problem))
    case 'settling':
      return draft.becomeReady(worker)
    case 'draining':
      return draft.end(worker, worker.killAt)
    case 'ending':
      return draft.kill(worker, worker.fault)
    case 'ready':
      draft.set({ ...worker, renewAt: Infinity })
      return renew(draft, worker.id, `is ${formatDuration(draft.now - worker.since)} old`)
    case 'killed':
      return
  }
}

function notReady({ policy }: Draft, problem: string | undefined): string {
  const text = `was not ready within ${formatDuration(policy.readyTimeout)}`
  return problem === undefined ? text : `${text}: ${problem}`
}

// ── towards what is wanted ────────────────────────────────────────────────────────────────────────────────────────

/**
 * A supervisor that died in a reload left two workers in one slot. The younger has yet to prove itself, beside the older and
 * perhaps as a canary: one of the trusted release stays, if it serves, until the reload goes on. Else whoever serves stays.
 */
function settleDoubles(draft: Draft, slot: number): void {
  const { operation } = draft
  if (!draft.isWanted(slot)) return
  if (operation.type === 'reload' && operation.current.some((one) => one.slot === slot)) return
  const here = draft.occupants(slot).toSorted((a, b) => b.id - a.id)
  if (here.length < 2 || here.some(({ at }) => at === 'returning')) return
  const ready = here.filter(({ at }) => at === 'ready')
  const heir = ready.find((worker) => worker.release === draft.release) ?? ready[0] ?? here[0]
  for (const worker of here) if (worker !== heir) draft.leave(worker)
  if (heir !== undefined) draft.setSlot(slot, { ...draft.slot(slot), release: heir.release })
}

function occupy(draft: Draft, slot: number): void {
  const state = draft.slot(slot)
  draft.setSlot(slot, state)
  if (state.at !== 'active' || draft.occupants(slot).length > 0) return
  // The reload's next slot: it spawns the new worker itself as soon as there is room in that slot.
  const { operation } = draft
  const isNext = operation.type === 'reload' && operation.queue[0] === slot
  if (isNext && operation.current.length < draft.policy.parallel && !operation.canary) return
  if (isNext && operation.current.length === 0) return
  const leaving = draft.inSlot(slot)
  // One that is ended for a fault is not handing anything over, and two on their way out are enough for one slot.
  if (leaving.length > 1 || leaving.some((worker) => 'fault' in worker && worker.fault !== undefined)) return
  draft.spawn(slot, state.release)
}

/** The last worker is gone, whether it crashed or was told to go, and no slot is to have another. */
function noticeIfOver(draft: Draft, wasAlive: boolean): void {
  if (!wasAlive || draft.workers.size > 0 || !draft.isWanted(0)) return
  const slots = draft.slots.map(({ at }) => at)
  if (slots.every((at) => at === 'done' || at === 'failed')) {
    draft.notice({ type: 'finished', failed: slots.includes('failed') })
  }
}

function finishOperation(draft: Draft): void {
  const { operation } = draft
  switch (operation.type) {
    case 'none':
      return
    case 'start':
      if (isSettled(draft)) draft.finish({ type: 'started' })
      return
    case 'scale':
      if (isSettled(draft) && isWithinSize(draft)) draft.finish({ type: 'scaled' })
      return
    case 'reload':
      return finishReload(draft, operation)
    case 'restart':
      if (draft.workers.size > 0) return
      start(draft, false)
      for (const slot of draft.allSlots()) occupy(draft, slot)
      return finishOperation(draft)
    case 'stop':
      if (draft.workers.size === 0) draft.finish({ type: 'stopped' })
      return
  }
}

/** Every wanted slot has come to rest: ready, done, or given up. */
function isSettled(draft: Draft): boolean {
  if (draft.wanted === 'stopped') return true
  return draft.allSlots().every((slot) => {
    const { at } = draft.slot(slot)
    if (at === 'failed' || at === 'done') return true
    const here = draft.occupants(slot)
    // Of two that a reload has left, both have to report before it can be told who stays.
    return here.some((worker) => worker.at === 'ready') && !here.some((worker) => worker.at === 'returning')
  })
}

function isWithinSize(draft: Draft): boolean {
  return [...draft.workers.values()].every((worker) => worker.slot < draft.size)
}
