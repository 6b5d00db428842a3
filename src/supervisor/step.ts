// A worker's whole life as one pure function: state and event in, new state and what is to be done out.
import type { Millis } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { planRestart, type WorkerEnd } from './restart-window.ts'
import type { AppState, Effect, Event, Exit, Notice, Operation, Slot, Worker } from './state.ts'

export interface Step {
  readonly state: AppState
  readonly effects: readonly Effect[]
}

/** How much of the grace period a drain may use before the stop signal is sent all the same. */
const drainShare = 0.8

/** What kills a program that does nothing wrong: people, and the kernel when memory runs out. */
const outsideSignals: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

/** Total: every event is understood in every state; what makes no sense there changes nothing. */
export function step(state: AppState, event: Event, now: Millis): Step {
  const draft = new Draft(state, now)
  draft.take(event)
  draft.converge()
  return draft.result()
}

/** When the state wants a `tick`, or undefined if it waits for nothing but events. */
export function nextDeadline(state: AppState): Millis | undefined {
  const times = [...state.workers.values()].map(deadlineOf)
  for (const slot of state.slots) times.push(slot.at === 'backoff' ? slot.retryAt : Infinity)
  const first = Math.min(...times)
  return Number.isFinite(first) ? first : undefined
}

function deadlineOf(worker: Worker): Millis {
  switch (worker.at) {
    case 'starting':
      return worker.deadline
    case 'settling':
      return worker.until
    case 'ready':
    case 'killed':
      return Infinity
    case 'draining':
      return worker.signalAt
    case 'ending':
      return worker.killAt
  }
}

/** Whether any worker is there, or is to be. */
export function isAlive(state: AppState): boolean {
  if (state.workers.size > 0) return true
  if (state.wanted === 'stopped') return false
  return (
    state.slots.length < state.size ||
    state.slots.some((slot) => slot.at === 'active' || slot.at === 'backoff')
  )
}

/** Whether a worker is on its way out. */
export function isLeaving(worker: Worker): boolean {
  return worker.at === 'draining' || worker.at === 'ending' || worker.at === 'killed'
}

function withoutFault(worker: Worker): Worker {
  if (worker.at === 'ending') return { id: worker.id, slot: worker.slot, at: 'ending', killAt: worker.killAt }
  return worker.at === 'killed' ? { id: worker.id, slot: worker.slot, at: 'killed' } : worker
}

const freshSlot: Slot = { at: 'active', crashes: 0, restarts: [] }

/** One step in the making: local to `step`, so that its mutations are invisible outside. */
class Draft {
  readonly #now: Millis
  readonly #wasAlive: boolean
  readonly #policy: AppState['policy']
  readonly #workers: Map<number, Worker>
  readonly #slots: Slot[]
  readonly #effects: Effect[] = []
  #wanted: AppState['wanted']
  #size: number
  #operation: Operation
  #nextId: number

  constructor(state: AppState, now: Millis) {
    this.#now = now
    this.#wasAlive = isAlive(state)
    this.#policy = state.policy
    this.#workers = new Map(state.workers)
    this.#slots = [...state.slots]
    this.#wanted = state.wanted
    this.#size = state.size
    this.#operation = state.operation
    this.#nextId = state.nextId
  }

  result(): Step {
    return {
      state: {
        policy: this.#policy,
        wanted: this.#wanted,
        size: this.#size,
        operation: this.#operation,
        workers: this.#workers,
        slots: this.#slots,
        nextId: this.#nextId,
      },
      effects: this.#effects,
    }
  }

  take(event: Event): void {
    switch (event.type) {
      case 'start':
      case 'restart':
      case 'reload':
      case 'scale':
        if (this.#operation.type === 'none') this.#begin(event)
        else this.#notice({ type: 'refused', command: event.type, during: this.#operation.type })
        return
      case 'stop':
        // Stopping is always possible: it takes the place of whatever else was going on.
        this.#wanted = 'stopped'
        this.#operation = { type: 'stop' }
        return
      case 'ready':
        return this.#ready(event.worker)
      case 'drained':
        return this.#drained(event.worker)
      case 'fault':
        return this.#fault(event.worker, event.reason)
      case 'exited':
        return this.#exited(event.worker, event.exit, event.reason)
      case 'tick':
        return this.#tick()
    }
  }

  /** Brings what is to what is wanted, and the operation in progress to its next stage or its end. */
  converge(): void {
    this.#progressReload()
    for (const worker of [...this.#workers.values()]) {
      if (!isLeaving(worker) && !this.#isWanted(worker.slot)) this.#leave(worker)
    }
    for (let slot = 0; slot < this.#size; slot++) if (this.#isWanted(slot)) this.#occupy(slot)
    this.#noticeIfOver()
    this.#finishOperation()
  }

  /** The last worker is gone, whether it crashed or was told to go, and no slot is to have another. */
  #noticeIfOver(): void {
    if (!this.#wasAlive || this.#workers.size > 0 || !this.#isWanted(0)) return
    const slots = this.#slots.map(({ at }) => at)
    if (slots.every((at) => at === 'done' || at === 'failed')) {
      this.#notice({ type: 'finished', failed: slots.includes('failed') })
    }
  }

  // ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────

  #begin(event: Event & { type: 'start' | 'restart' | 'reload' | 'scale' }): void {
    switch (event.type) {
      case 'start':
        return this.#start(event.fresh)
      case 'restart':
        if (this.#workers.size === 0) return this.#start(false)
        this.#wanted = 'running'
        this.#operation = { type: 'restart' }
        return
      case 'reload':
        if (this.#wanted === 'stopped') return this.#start(false)
        this.#operation = {
          type: 'reload',
          queue: (event.slots ?? this.#allSlots()).filter((slot) => slot < this.#size),
          current: undefined,
        }
        return
      case 'scale':
        this.#size = event.size
        this.#slots.length = Math.min(this.#slots.length, event.size) // a slot that comes back starts afresh
        this.#operation = { type: 'scale' }
        return
    }
  }

  #start(fresh: boolean): void {
    // What was wrong with a worker of the last life, which is still on its way out, says nothing about this one.
    if (this.#wanted === 'stopped')
      for (const worker of this.#workers.values()) this.#set(withoutFault(worker))
    this.#wanted = 'running'
    this.#operation = { type: 'start', fresh }
    this.#slots.fill(freshSlot)
  }

  // ── what happens to workers ─────────────────────────────────────────────────────────────────────────────────────

  #ready(id: number): void {
    const worker = this.#workers.get(id)
    if (worker?.at !== 'starting') return
    if (this.#operation.type === 'reload' && this.#operation.current?.next === id) {
      this.#set({ id, slot: worker.slot, at: 'settling', until: this.#now + this.#policy.settle })
    } else {
      this.#set({ id, slot: worker.slot, at: 'ready', since: this.#now })
    }
    this.#notice({ type: 'worker-ready', worker: id, slot: worker.slot })
  }

  #drained(id: number): void {
    const worker = this.#workers.get(id)
    if (worker?.at === 'draining') this.#end(worker, worker.killAt)
  }

  #fault(id: number, reason: string): void {
    const worker = this.#workers.get(id)
    if (worker === undefined || isLeaving(worker)) return
    // Its exit will no longer tell how long it was ready.
    const isProven = worker.at === 'ready' && this.#now - worker.since >= this.#policy.period
    if (isProven) this.#slots[worker.slot] = { ...this.#slot(worker.slot), crashes: 0 }
    this.#end(worker, this.#now + this.#policy.grace, reason)
  }

  #exited(id: number, exit: Exit, reason: string): void {
    const worker = this.#workers.get(id)
    if (worker === undefined) return
    this.#workers.delete(id)
    const fault = worker.at === 'ending' || worker.at === 'killed' ? worker.fault : undefined
    const expected = isLeaving(worker) && fault === undefined
    this.#notice({ type: 'worker-exited', worker: id, slot: worker.slot, expected, reason: fault ?? reason })
    if (!expected) this.#crashed(worker, fault === undefined ? exit : undefined, fault ?? reason)
  }

  /** Without `exit`, brood itself ended the worker for a fault. */
  #crashed(worker: Worker, exit: Exit | undefined, reason: string): void {
    const { slot } = worker
    const operation = this.#operation
    if (operation.type === 'reload' && operation.current?.next === worker.id) {
      this.#operation = { type: 'none' }
      this.#notice({ type: 'reload-aborted', slot, reason })
      // The old worker goes on; if the slot had none, it is a crash like any other.
      if (this.#occupants(slot).length > 0) return
    }
    if (!this.#isWanted(slot)) return
    // Another worker holds the slot: the other half of a reload, or the one that has taken it over.
    if (this.#occupants(slot).length > 0) return
    const { restart } = this.#policy
    const isFinished = restart !== 'permanent' && exit?.code === 0
    if (operation.type === 'start' && operation.fresh && !isFinished) return this.#failStart(slot, reason)
    if (isFinished || restart === 'temporary') {
      this.#slots[slot] = { ...this.#slot(slot), at: 'done' }
      return
    }
    const wasReadyFor = worker.at === 'ready' ? this.#now - worker.since : 0
    const fromOutside = worker.at === 'ready' && outsideSignals.has(exit?.signal ?? '')
    this.#planRestart(slot, { wasReadyFor, fromOutside }, reason)
  }

  #failStart(slot: number, reason: string): void {
    this.#wanted = 'stopped'
    this.#operation = { type: 'none' }
    this.#slots[slot] = { ...this.#slot(slot), at: 'failed', reason }
    this.#notice({ type: 'start-failed', slot, reason })
  }

  #planRestart(slot: number, end: WorkerEnd, reason: string): void {
    const plan = planRestart(this.#slot(slot), this.#policy, end, this.#now)
    if (plan.type === 'give-up') {
      const text = `${plan.restarts} restarts within ${formatDuration(this.#policy.period)}; the last: ${reason}`
      this.#slots[slot] = { ...this.#slot(slot), at: 'failed', reason: text }
      this.#notice({ type: 'slot-failed', slot, reason: text })
      return
    }
    const { crashes, restarts, delay } = plan
    if (delay === 0) {
      this.#slots[slot] = { at: 'active', crashes, restarts }
    } else {
      this.#slots[slot] = { at: 'backoff', crashes, restarts, retryAt: this.#now + delay }
      this.#notice({ type: 'worker-backoff', slot, delay })
    }
  }

  #tick(): void {
    for (const [slot, state] of this.#slots.entries()) {
      if (state.at !== 'backoff' || state.retryAt > this.#now) continue
      this.#slots[slot] = { at: 'active', crashes: state.crashes, restarts: state.restarts }
    }
    for (const worker of [...this.#workers.values()]) {
      if (deadlineOf(worker) <= this.#now) this.#overdue(worker)
    }
  }

  #overdue(worker: Worker): void {
    switch (worker.at) {
      case 'starting':
        return this.#kill(worker, `was not ready within ${formatDuration(this.#policy.readyTimeout)}`)
      case 'settling':
        return this.#set({ id: worker.id, slot: worker.slot, at: 'ready', since: this.#now })
      case 'draining':
        return this.#end(worker, worker.killAt)
      case 'ending':
        return this.#kill(worker, worker.fault)
      case 'ready':
      case 'killed':
        return
    }
  }

  // ── towards what is wanted ──────────────────────────────────────────────────────────────────────────────────────

  #isWanted(slot: number): boolean {
    return this.#wanted === 'running' && slot < this.#size && this.#operation.type !== 'restart'
  }

  #occupy(slot: number): void {
    const state = this.#slot(slot)
    if (this.#slots[slot] === undefined) this.#slots[slot] = state
    if (state.at !== 'active' || this.#occupants(slot).length > 0) return
    // The reload's next slot: it spawns the new worker itself as soon as there is room in that slot.
    const operation = this.#operation
    if (operation.type === 'reload' && operation.current === undefined && operation.queue[0] === slot) return
    const leaving = this.#inSlot(slot)
    // One that is ended for a fault is not handing anything over, and two on their way out are enough for one slot.
    if (leaving.length > 1 || leaving.some((worker) => 'fault' in worker && worker.fault !== undefined))
      return
    this.#spawn(slot)
  }

  #spawn(slot: number): number {
    const id = this.#nextId++
    this.#set({ id, slot, at: 'starting', deadline: this.#now + this.#policy.readyTimeout })
    this.#effects.push({ type: 'spawn', worker: id, slot })
    return id
  }

  #leave(worker: Worker): void {
    if (worker.at === 'starting') {
      // It has accepted nothing that could be drained.
      this.#end(worker, this.#now + this.#policy.grace)
      return
    }
    const { grace } = this.#policy
    const signalAt = this.#now + grace * drainShare
    this.#set({ id: worker.id, slot: worker.slot, at: 'draining', signalAt, killAt: this.#now + grace })
    const handOn = [...this.#workers.values()].some((other) => this.#isStaying(other))
    this.#effects.push({ type: 'drain', worker: worker.id, handOn, within: grace })
  }

  #isStaying(worker: Worker): boolean {
    return (worker.at === 'ready' || worker.at === 'settling') && this.#isWanted(worker.slot)
  }

  #end(worker: Worker, killAt: Millis, fault?: string): void {
    const { id, slot } = worker
    this.#set(
      fault === undefined ? { id, slot, at: 'ending', killAt } : { id, slot, at: 'ending', killAt, fault },
    )
    this.#effects.push({ type: 'signal', worker: id })
  }

  #kill(worker: Worker, fault: string | undefined): void {
    const { id, slot } = worker
    this.#set(fault === undefined ? { id, slot, at: 'killed' } : { id, slot, at: 'killed', fault })
    this.#effects.push({ type: 'kill', worker: id })
    const reason = fault ?? `was still there after its grace period of ${formatDuration(this.#policy.grace)}`
    this.#notice({ type: 'worker-killed', worker: id, slot, reason })
  }

  #progressReload(): void {
    if (this.#operation.type !== 'reload' || this.#wanted === 'stopped') return
    const { current, queue } = this.#operation
    if (current !== undefined) {
      if (this.#workers.get(current.next)?.at !== 'ready') return
      for (const worker of this.#occupants(current.slot)) if (worker.id !== current.next) this.#leave(worker)
      this.#operation = { type: 'reload', queue, current: undefined }
    }
    const [slot, ...rest] = queue
    // A slot whose last hand-over is still going on comes later: never more than two workers in one.
    if (slot === undefined || this.#inSlot(slot).some(isLeaving)) return
    this.#slots[slot] = freshSlot
    // One that is just starting would be old before it is ready.
    for (const worker of this.#occupants(slot)) {
      if (worker.at === 'starting') this.#end(worker, this.#now + this.#policy.grace)
    }
    if (this.#inSlot(slot).some(isLeaving)) return
    this.#operation = { type: 'reload', queue: rest, current: { slot, next: this.#spawn(slot) } }
  }

  #finishOperation(): void {
    switch (this.#operation.type) {
      case 'none':
        return
      case 'start':
        if (this.#isSettled()) this.#finish({ type: 'started' })
        return
      case 'scale':
        if (this.#isSettled() && this.#workersBeyondSize() === 0) this.#finish({ type: 'scaled' })
        return
      case 'reload':
        if (
          this.#operation.current === undefined &&
          this.#operation.queue.length === 0 &&
          !this.#anyLeaving()
        ) {
          this.#finish({ type: 'reloaded' })
        }
        return
      case 'restart':
        if (this.#workers.size > 0) return
        this.#start(false)
        for (let slot = 0; slot < this.#size; slot++) this.#occupy(slot)
        return
      case 'stop':
        if (this.#workers.size === 0) this.#finish({ type: 'stopped' })
        return
    }
  }

  #finish(notice: Notice): void {
    this.#operation = { type: 'none' }
    this.#notice(notice)
  }

  /** Every wanted slot has come to rest: ready, done, or given up. */
  #isSettled(): boolean {
    if (this.#wanted === 'stopped') return true
    for (let slot = 0; slot < this.#size; slot++) {
      const { at } = this.#slot(slot)
      if (at === 'failed' || at === 'done') continue
      if (!this.#occupants(slot).some((worker) => worker.at === 'ready')) return false
    }
    return true
  }

  #workersBeyondSize(): number {
    return [...this.#workers.values()].filter((worker) => worker.slot >= this.#size).length
  }

  #anyLeaving(): boolean {
    return [...this.#workers.values()].some(isLeaving)
  }

  #inSlot(slot: number): Worker[] {
    return [...this.#workers.values()].filter((worker) => worker.slot === slot)
  }

  /** Those that hold the slot: starting, settling or ready. */
  #occupants(slot: number): Worker[] {
    return this.#inSlot(slot).filter((worker) => !isLeaving(worker))
  }

  #allSlots(): number[] {
    return Array.from({ length: this.#size }, (_, slot) => slot)
  }

  #slot(slot: number): Slot {
    return this.#slots[slot] ?? freshSlot
  }

  #set(worker: Worker): void {
    this.#workers.set(worker.id, worker)
  }

  #notice(notice: Notice): void {
    this.#effects.push({ type: 'notice', notice })
  }
}
