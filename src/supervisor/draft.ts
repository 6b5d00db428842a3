// One step of the lifecycle in the making: a mutable copy of the state, the moves it is made of, and the effects they cause.
import type { Millis } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { spread } from '../kernel/jitter.ts'
import { isLeaving } from './phases.ts'
import type { AppState, Command, Effect, Notice, Operation, Policy, Slot, Worker } from './state.ts'

/** How much of the grace period a drain may use before the stop signal is sent all the same. */
const drainShare = 0.8

/** Local to `step`, so that its mutations are invisible outside. */
export class Draft {
  readonly now: Millis
  /** A random number from 0 to below 1. */
  readonly chance: number
  readonly workers: Map<number, Worker>
  readonly slots: Slot[]
  readonly effects: Effect[] = []
  policy: Policy
  wanted: AppState['wanted']
  size: number
  operation: Operation
  nextId: number
  release: number
  renewals: AppState['renewals']
  renewAfter: Millis
  pending: Command | undefined

  constructor(state: AppState, now: Millis, chance: number) {
    this.now = now
    this.chance = chance
    this.policy = state.policy
    this.workers = new Map(state.workers)
    this.slots = [...state.slots]
    this.wanted = state.wanted
    this.size = state.size
    this.operation = state.operation
    this.nextId = state.nextId
    this.release = state.release
    this.renewals = state.renewals
    this.renewAfter = state.renewAfter
    this.pending = state.pending
  }

  get state(): AppState {
    const { policy, wanted, size, operation, workers, slots, nextId } = this
    const { release, renewals, renewAfter, pending } = this
    return {
      policy,
      wanted,
      size,
      operation,
      workers,
      slots,
      nextId,
      release,
      renewals,
      renewAfter,
      pending,
    }
  }

  // ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────

  isWanted(slot: number): boolean {
    return this.wanted === 'running' && slot < this.size && this.operation.type !== 'restart'
  }

  inSlot(slot: number): Worker[] {
    return [...this.workers.values()].filter((worker) => worker.slot === slot)
  }

  /** Those that hold the slot: returning, starting, settling or ready. */
  occupants(slot: number): Worker[] {
    return this.inSlot(slot).filter((worker) => !isLeaving(worker))
  }

  slot(slot: number): Slot {
    return this.slots[slot] ?? this.freshSlot()
  }

  freshSlot(release = this.release): Slot {
    return { at: 'active', crashes: 0, restarts: [], release }
  }

  allSlots(): number[] {
    return Array.from({ length: this.size }, (_, slot) => slot)
  }

  // ── moves ───────────────────────────────────────────────────────────────────────────────────────────────────────

  set(worker: Worker): void {
    this.workers.set(worker.id, worker)
  }

  setSlot(slot: number, value: Slot): void {
    // An array with holes would not survive being compared or counted.
    while (this.slots.length < slot) this.slots.push(this.freshSlot())
    this.slots[slot] = value
  }

  notice(notice: Notice): void {
    this.effects.push({ type: 'notice', notice })
  }

  spawn(slot: number, release: number): number {
    const id = this.nextId++
    const deadline = this.now + this.policy.readyTimeout
    this.set({ id, slot, release, at: 'starting', deadline })
    this.effects.push({ type: 'spawn', worker: id, slot, release })
    return id
  }

  becomeReady(worker: Worker): void {
    const { id, slot, release } = worker
    // It has proved its release, which is now what the slot is restarted with.
    if (this.isWanted(slot)) this.setSlot(slot, { ...this.slot(slot), release })
    this.set({ id, slot, release, at: 'ready', since: this.now, renewAt: this.renewAt(this.now) })
  }

  /** When a worker that has been ready since then is too old. */
  renewAt(since: Millis): Millis {
    const { maxAge } = this.policy
    return maxAge === undefined ? Infinity : since + spread(maxAge.age, maxAge.jitter, this.chance)
  }

  /** Lets a worker go: what it has accepted is finished first. */
  leave(worker: Worker): void {
    if (worker.at === 'starting') {
      // It has accepted nothing that could be drained.
      this.end(worker, this.now + this.policy.grace)
      return
    }
    const { grace } = this.policy
    this.setDraining(worker)
    const handOn = [...this.workers.values()].some((other) => this.#isStaying(other))
    this.effects.push({ type: 'drain', worker: worker.id, handOn, within: grace })
  }

  setDraining({ id, slot, release }: Worker): void {
    const { grace } = this.policy
    const signalAt = this.now + grace * drainShare
    this.set({ id, slot, release, at: 'draining', signalAt, killAt: this.now + grace })
  }

  /** The stop signal, and SIGKILL at `killAt`. */
  end(worker: Worker, killAt: Millis, fault?: string): void {
    const { id, slot, release } = worker
    const ending = { id, slot, release, at: 'ending', killAt } as const
    this.set(fault === undefined ? ending : { ...ending, fault })
    this.effects.push({ type: 'signal', worker: id })
  }

  kill(worker: Worker, fault: string | undefined): void {
    const { id, slot, release } = worker
    const killed = { id, slot, release, at: 'killed' } as const
    this.set(fault === undefined ? killed : { ...killed, fault })
    this.effects.push({ type: 'kill', worker: id })
    const reason = fault ?? `was still there after its grace period of ${formatDuration(this.policy.grace)}`
    this.notice({ type: 'worker-killed', worker: id, slot, reason })
  }

  /** The operation in progress is over, and this is what is told. */
  finish(notice: Notice): void {
    this.operation = { type: 'none' }
    this.notice(notice)
  }

  /** Serves, and goes on with it; one that is expected back serves meanwhile, too. */
  #isStaying({ at, slot }: Worker): boolean {
    return (at === 'ready' || at === 'settling' || at === 'returning') && this.isWanted(slot)
  }
}
