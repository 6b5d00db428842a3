// How a reload goes on, ends, is given up and taken back; a renewal is the reload of one slot that nobody asked for.
import type { Draft } from './draft.ts'
import { isLeaving } from './phases.ts'
import type { Command, Operation, Reload } from './state.ts'

/** How long a worker that could not be renewed is left in peace, in milliseconds. */
const renewalPause = 60_000

/** Whether this is a reload's new worker, which has not been trusted yet. */
export function isProving(operation: Operation, worker: number): boolean {
  return operation.type === 'reload' && operation.current.some(({ next }) => next === worker)
}

export function beginReload(draft: Draft, command: Command & { type: 'reload' }): void {
  const { slots, release = draft.release, rollback = false } = command
  const queue = (slots ?? draft.allSlots()).filter((slot) => slot < draft.size)
  draft.operation = {
    type: 'reload',
    why: 'command',
    release,
    rollback,
    slots: queue,
    queue,
    current: [],
    canary: slots === undefined && draft.policy.canary !== undefined,
  }
}

/** Begins with the next worker that is due, if nothing else is going on. */
export function beginRenewal(draft: Draft): void {
  if (draft.wanted === 'stopped') draft.renewals = []
  if (draft.operation.type !== 'none' || draft.now < draft.renewAfter) return
  for (const renewal of draft.renewals) {
    const { worker: id, reason } = renewal
    const worker = draft.workers.get(id)
    if (worker?.at !== 'ready' || !draft.isWanted(worker.slot)) {
      draft.renewals = draft.renewals.filter((one) => one !== renewal)
      continue
    }
    // It stays in the line until it is gone: if its successor fails, it is still to be replaced.
    const { slot } = worker
    const { release } = draft.slot(slot)
    draft.operation = {
      type: 'reload',
      why: 'renewal',
      release,
      rollback: false,
      slots: [slot],
      queue: [slot],
      current: [],
      canary: false,
    }
    draft.notice({ type: 'worker-renewing', worker: id, slot, reason })
    return
  }
}

/** Lets old workers go whose successors have proved themselves, and starts the next successors. */
export function progressReload(draft: Draft): void {
  if (draft.operation.type !== 'reload' || draft.wanted === 'stopped') return
  let reload: Reload = draft.operation
  for (const { slot, next } of reload.current) {
    if (draft.workers.get(next)?.at !== 'ready') continue
    if (reload.canary) draft.notice({ type: 'canary-passed', slot })
    reload = { ...reload, current: reload.current.filter((one) => one.next !== next), canary: false }
    // First told, so that the old workers know who stays.
    draft.operation = reload
    for (const worker of draft.occupants(slot)) if (worker.id !== next) draft.leave(worker)
  }
  const limit = reload.canary ? 1 : draft.policy.parallel
  while (reload.current.length < limit) {
    const [slot, ...queue] = reload.queue
    if (slot === undefined || reload.current.some((one) => one.slot === slot)) break
    if (!makeRoom(draft, slot)) break
    const next = draft.spawn(slot, reload.release)
    reload = { ...reload, queue, current: [...reload.current, { slot, next }] }
  }
  draft.operation = reload
}

/** Never more than two workers in one slot: one whose last hand-over is still going on comes later. */
function makeRoom(draft: Draft, slot: number): boolean {
  if (draft.inSlot(slot).some(isLeaving)) return false
  // One that is just starting would be old before it is ready.
  for (const worker of draft.occupants(slot)) {
    if (worker.at === 'starting') draft.end(worker, draft.now + draft.policy.grace)
  }
  if (draft.inSlot(slot).some(isLeaving)) return false
  // Only now does the slot begin anew: until then the reload may still be given up.
  draft.setSlot(slot, draft.freshSlot(draft.slot(slot).release))
  return true
}

export function finishReload(draft: Draft, operation: Reload): void {
  const { current, queue, why, release } = operation
  if (current.length > 0 || queue.length > 0 || [...draft.workers.values()].some(isLeaving)) return
  switch (why) {
    case 'command':
      draft.release = release
      return draft.finish({ type: 'reloaded' })
    case 'rollback':
      return draft.finish({ type: 'rolled-back' })
    case 'renewal':
      return draft.finish({ type: 'renewed', slot: operation.slots[0] ?? 0 })
  }
}

/** A slot that this reload has given its new worker, which was trusted then. */
export function isReplaced({ operation }: Draft, slot: number): boolean {
  if (operation.type !== 'reload' || operation.why !== 'command') return false
  const isToCome = operation.queue.includes(slot) || operation.current.some((one) => one.slot === slot)
  return operation.slots.includes(slot) && !isToCome
}

/** A new worker has failed: nobody else is replaced, and where the new release has got to, the old one comes back. */
export function abortReload(draft: Draft, slot: number, reason: string): void {
  const { operation } = draft
  if (operation.type !== 'reload') return
  switch (operation.why) {
    case 'renewal':
      draft.renewAfter = draft.now + renewalPause
      letOthersFirst(draft, slot)
      return draft.finish({ type: 'renewal-failed', slot, reason })
    case 'rollback':
      draft.finish({ type: 'rolled-back', failed: reason })
      break
    case 'command':
      draft.finish({ type: 'reload-aborted', slot, reason })
  }
  // Other new workers go too: they stand beside workers that have proved themselves.
  for (const { slot: other, next } of operation.current) {
    const worker = draft.workers.get(next)
    if (worker === undefined || isLeaving(worker)) continue
    if (draft.occupants(other).length > 1) draft.leave(worker)
    else if (worker.at === 'settling') draft.becomeReady(worker)
  }
  if (operation.why === 'command' && operation.rollback) takeBack(draft, operation.release)
}

function letOthersFirst(draft: Draft, slot: number): void {
  const isHere = ({ worker }: { worker: number }): boolean => draft.workers.get(worker)?.slot === slot
  const others = draft.renewals.filter((one) => !isHere(one))
  draft.renewals = [...others, ...draft.renewals.filter(isHere)]
}

function takeBack(draft: Draft, failed: number): void {
  const { release } = draft
  if (failed === release) return
  // A new worker that was left alone in its slot, or that an earlier supervisor started, may be there before its slot knows.
  const queue = draft
    .allSlots()
    .filter(
      (slot) =>
        draft.slot(slot).release === failed ||
        draft.occupants(slot).some((worker) => worker.release === failed),
    )
  if (queue.length === 0) return
  // At once: who crashes while it waits for its turn does not come back with what has failed.
  for (const slot of queue) draft.setSlot(slot, { ...draft.slot(slot), release })
  draft.operation = {
    type: 'reload',
    why: 'rollback',
    release,
    rollback: false,
    slots: queue,
    queue,
    current: [],
    canary: false,
  }
}
