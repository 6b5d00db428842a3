// What holds while workers are replaced: how many at a time, by which release, and that a renewal takes nobody out of service.
import assert from 'node:assert/strict'
import { isLeaving } from '../../../src/supervisor/phases.ts'
import type { AppState, Event, Worker } from '../../../src/supervisor/state.ts'

export class ReplacementRules {
  /** Every release that a command asked for, or that an earlier supervisor's workers have. */
  readonly #releases: Set<number>

  constructor({ release }: AppState) {
    this.#releases = new Set([release])
  }

  see(before: AppState, event: Event, after: AppState): void {
    this.#checkReleases(before, event, after)
    checkProving(after)
    checkCanary(after)
    checkRenewal(before, event, after)
  }

  #checkReleases(before: AppState, event: Event, after: AppState): void {
    if (event.type === 'found') for (const { release } of event.workers) this.#releases.add(release)
    const isTaken = before.operation.type === 'none' || after.pending === event
    if ('release' in event && event.release !== undefined && isTaken) this.#releases.add(event.release)
    const inUse = [...after.workers.values(), ...after.slots, after].map(({ release }) => release)
    for (const release of inUse) assert.ok(this.#releases.has(release), `release ${release} was asked for`)
  }
}

/** New workers prove themselves only in a reload, and no more than `parallel` at a time. */
function checkProving({ operation, workers, policy, wanted }: AppState): void {
  const current = operation.type === 'reload' ? operation.current : []
  assert.ok(current.length <= policy.parallel, `${current.length} slots are replaced at a time`)
  if (wanted === 'stopped') return
  for (const worker of workers.values()) {
    const isNext = current.some(({ slot, next }) => next === worker.id && slot === worker.slot)
    assert.ok(worker.at !== 'settling' || isNext, `worker ${worker.id} settles in a reload`)
  }
  for (const { slot, next } of current) {
    assert.equal(workers.get(next)?.slot, slot, `worker ${next}, which is to prove itself, is there`)
  }
}

/** While the first slot is watched, all others are still to come. */
function checkCanary({ operation }: AppState): void {
  if (operation.type !== 'reload' || !operation.canary) return
  const { current, queue, slots } = operation
  assert.ok(current.length <= 1, 'there is one canary')
  assert.deepEqual([...current.map(({ slot }) => slot), ...queue], slots, 'nobody else moves')
}

/** A slot that is renewed keeps a ready worker, unless that comes to an end by itself. */
function checkRenewal(before: AppState, event: Event, after: AppState): void {
  const isRenewed = [before, after].find(({ operation }) => isRenewal(operation))
  if (isRenewed?.operation.type !== 'reload' || event.type === 'stop') return
  // A command that had waited may well end workers.
  if (before.pending !== undefined && after.pending === undefined) return
  for (const slot of isRenewed.operation.slots) {
    const ready = readyIn(before, slot)
    if (ready.length === 0 || readyIn(after, slot).length > 0) continue
    assert.ok(
      endsBy(event, ready),
      `${event.type} takes the ready worker from slot ${slot}, which is being renewed`,
    )
  }
}

function endsBy(event: Event, ready: readonly Worker[]): boolean {
  switch (event.type) {
    case 'exited':
    case 'fault':
    case 'blocked':
      return ready.some(({ id }) => id === event.worker)
    default:
      return false
  }
}

function isRenewal(operation: AppState['operation']): boolean {
  return operation.type === 'reload' && operation.why === 'renewal'
}

function readyIn({ workers }: AppState, slot: number): Worker[] {
  return [...workers.values()].filter(
    (worker) => worker.slot === slot && worker.at === 'ready' && !isLeaving(worker),
  )
}
