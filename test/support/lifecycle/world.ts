// A simulated world around the lifecycle: worker processes with wills of their own, a clock, and the rules that must hold.
import assert from 'node:assert/strict'
import { isAlive, isLeaving, nextDeadline } from '../../../src/supervisor/phases.ts'
import {
  type AppState,
  type Effect,
  type Event,
  initialState,
  type Notice,
  type Operation,
  type Policy,
  type Reload,
  type Worker,
} from '../../../src/supervisor/state.ts'
import { step } from '../../../src/supervisor/step.ts'
import { frozen } from './frozen.ts'
import { ReplacementRules } from './replacement-rules.ts'
import { RestartRecord } from './restart-record.ts'

/** A process as the kernel sees it. */
interface Process {
  readonly slot: number
  /** By a supervisor before this one. */
  readonly drainedBefore: boolean
  drainAsked: boolean
  signalled: boolean
  killed: boolean
}

const goldenRatio = (Math.sqrt(5) - 1) / 2

const exits = {
  end: { code: 0, signal: null },
  crash: { code: 1, signal: null },
  kill: { code: null, signal: 'SIGKILL' },
}

type Kind = Exclude<Operation['type'], 'reload'> | Reload['why']

function kindOf(operation: Operation): Kind {
  return operation.type === 'reload' ? operation.why : operation.type
}

/** What can end each operation: a command that waits for it must hear one of these. */
const ends: Record<Kind, readonly Notice['type'][]> = {
  none: [],
  start: ['started', 'start-failed'],
  command: ['reloaded', 'reload-aborted'],
  renewal: ['renewed', 'renewal-failed'],
  rollback: ['rolled-back'],
  restart: ['started'],
  scale: ['scaled'],
  stop: ['stopped'],
}

export class World {
  now = 0
  state: AppState
  /** Every notice so far. */
  readonly notices: Notice[] = []
  readonly processes = new Map<number, Process>()
  /** How many events all worlds have taken. */
  static events = 0
  readonly #restarts: RestartRecord
  readonly #replacements: ReplacementRules
  #spawned = 0
  #taken = 0
  /** The most workers of one slot that an earlier supervisor left. */
  #mostFound = 0

  constructor(policy: Policy, size: number) {
    this.state = frozen(initialState(policy, size))
    this.#restarts = new RestartRecord(policy)
    this.#replacements = new ReplacementRules(this.state)
  }

  /** Takes one step, performs its effects, and holds the outcome against every rule. */
  take(event: Event): void {
    World.events++
    const before = this.state
    // Spread evenly, and the same in each run of the same history.
    const chance = (++this.#taken * goldenRatio) % 1
    const { state, effects } = step(before, event, this.now, chance)
    assert.deepEqual(
      step(before, event, this.now, chance),
      { state, effects },
      'the same step twice comes out the same',
    )
    this.state = frozen(state)
    const gone = event.type === 'exited' ? this.processes.delete(event.worker) : false
    for (const effect of effects) this.#perform(effect)
    this.#restarts.see(before, event, this.state, effects, this.now)
    this.#replacements.see(before, event, this.state)
    const notices = effects.flatMap((effect) => (effect.type === 'notice' ? [effect.notice] : []))
    if (event.type === 'exited') {
      assert.equal(
        notices.filter(({ type }) => type === 'worker-exited').length,
        gone ? 1 : 0,
        'each exit is told once',
      )
    }
    this.#checkState()
    this.#checkOperation(before, event, notices)
    this.#checkEnd(before, notices)
    this.notices.push(...notices)
  }

  /** A process that an earlier supervisor has left; `draining` when that had told it to go. */
  find(worker: number, slot: number, draining: boolean): void {
    this.processes.set(worker, {
      slot,
      drainedBefore: draining,
      drainAsked: false,
      signalled: false,
      killed: false,
    })
    this.#spawned = Math.max(this.#spawned, worker)
    const here = [...this.processes.values()].filter((process) => process.slot === slot)
    this.#mostFound = Math.max(this.#mostFound, here.length)
    this.take({ type: 'found', workers: [{ worker, slot, release: 1 }], deadline: this.now + 1000 })
  }

  /** The worker says how far it is. */
  report(worker: number): void {
    if (this.state.workers.get(worker)?.at !== 'returning') return this.take({ type: 'ready', worker })
    const phase = this.processes.get(worker)?.drainedBefore ? 'draining' : 'ready'
    this.take({ type: 'returned', worker, phase })
  }

  /** Lets time pass, with a tick exactly when one is asked for, but no further than the next deadline. */
  pass(most: number): void {
    const deadline = nextDeadline(this.state)
    const end = Math.min(this.now + most, deadline ?? Infinity)
    if (Number.isFinite(end)) this.now = Math.max(this.now, end)
    if (deadline !== undefined && deadline <= this.now) this.take({ type: 'tick' })
  }

  /** SIGKILL is always obeyed. */
  reapKilled(): void {
    for (const [worker, { killed }] of [...this.processes]) if (killed) this.exit(worker, 'kill')
  }

  exit(worker: number, how: 'end' | 'crash' | 'kill'): void {
    this.take({ type: 'exited', worker, exit: exits[how], reason: 'died' })
  }

  /** From here on nobody crashes, but some (`stubborn`) leave only when killed: goes on until nothing more happens. */
  behave(stubborn: (worker: number) => boolean): void {
    // Nobody grows too old, or there would be no end.
    const { maxAge: _, ...policy } = this.state.policy
    this.take({ type: 'policy', policy })
    for (let rounds = 0; ; rounds++) {
      assert.ok(rounds < 1000, 'the world comes to rest')
      this.reapKilled()
      const next = this.#nextDeed(stubborn)
      if (next !== undefined) this.take(next)
      else if (nextDeadline(this.state) !== undefined) this.pass(Infinity)
      else if (![...this.processes.values()].some(({ killed }) => killed)) return
    }
  }

  #nextDeed(stubborn: (worker: number) => boolean): Event | undefined {
    for (const [worker, process] of this.processes) {
      const { at } = this.state.workers.get(worker) ?? {}
      if (at === 'starting') return { type: 'ready', worker }
      if (at === 'returning')
        return { type: 'returned', worker, phase: process.drainedBefore ? 'draining' : 'ready' }
      if (stubborn(worker)) continue
      if (process.signalled)
        return { type: 'exited', worker, exit: { code: 0, signal: null }, reason: 'left' }
      if (this.state.workers.get(worker)?.at === 'draining') return { type: 'drained', worker }
    }
    return undefined
  }

  #perform(effect: Effect): void {
    if (effect.type === 'notice') return
    if (effect.type === 'spawn') {
      assert.ok(effect.worker > this.#spawned, `worker ${effect.worker} is a new one`)
      this.#spawned = effect.worker
      this.processes.set(effect.worker, {
        slot: effect.slot,
        drainedBefore: false,
        drainAsked: false,
        signalled: false,
        killed: false,
      })
      return
    }
    const process = this.processes.get(effect.worker)
    assert.ok(process, `${effect.type} is for a worker that lives`)
    assert.ok(!process.killed, `${effect.type} comes before SIGKILL, which comes once`)
    switch (effect.type) {
      case 'drain':
        assert.ok(
          !process.drainAsked && !process.signalled,
          'a worker is asked to drain once, before its signal',
        )
        process.drainAsked = true
        if (effect.handOn)
          assert.ok(this.#someoneStays(effect.worker), 'there is somebody to hand connections on to')
        return
      case 'signal':
        assert.ok(!process.signalled, 'a worker is signalled once')
        process.signalled = true
        return
      case 'kill':
        process.killed = true
        return
    }
  }

  #someoneStays(other: number): boolean {
    return [...this.state.workers.values()].some((worker) => worker.id !== other && !isLeaving(worker))
  }

  #checkState(): void {
    const { workers, slots, size, operation, wanted } = this.state
    assert.deepEqual(
      [...workers].map(([id, { slot }]) => [id, slot]).sort(),
      [...this.processes].map(([id, { slot }]) => [id, slot]).sort(),
      'the state knows the processes that live, each in its slot',
    )
    for (const [id, worker] of workers) {
      assert.equal(worker.id, id)
      const process = this.processes.get(id)
      assert.equal(
        process?.killed,
        worker.at === 'killed',
        'killed workers, and no others, were sent SIGKILL',
      )
      assert.ok(worker.at !== 'ending' || process?.signalled, 'a worker that ends was signalled')
      const asked = process?.drainAsked || process?.drainedBefore
      assert.ok(worker.at !== 'draining' || asked, 'a worker that drains was asked to')
      assert.ok(
        isLeaving(worker) || !(process?.drainAsked || process?.signalled),
        'who is told to go is leaving',
      )
      if (!isLeaving(worker)) assert.ok(wanted === 'running' && worker.slot < size, 'who stays is wanted')
    }
    assert.ok(slots.length <= Math.max(size, 0) && !slots.includes(undefined as never), 'slots have no holes')
    for (const slot of new Set([...workers.values()].map((worker) => worker.slot))) this.#checkSlot(slot)
    if (operation.type === 'none' && wanted === 'running') {
      for (let slot = 0; slot < size; slot++) this.#checkOccupied(slot)
    }
  }

  /** Two workers in one slot only while one hands over to the other. */
  #checkSlot(slot: number): void {
    const here = this.#inSlot(slot)
    assert.ok(here.length <= Math.max(2, this.#mostFound), `at most two workers live in slot ${slot}`)
    const staying = here.filter((worker) => !isLeaving(worker))
    if (staying.length < 2) return
    if (staying.some(({ at }) => at === 'returning')) return // which of them is to stay is told by what they report
    const { operation } = this.state
    const current =
      operation.type === 'reload' ? operation.current.find((one) => one.slot === slot) : undefined
    assert.equal(current?.slot, slot, `two workers stay in slot ${slot} only in a reload of it`)
    const [old, next] = staying.toSorted((a, b) => a.id - b.id)
    assert.equal(next?.id, current?.next)
    assert.ok(old?.at === 'ready', 'the old worker of a reload serves')
    assert.ok(next?.at === 'starting' || next?.at === 'settling', 'the new worker of a reload proves itself')
  }

  /** A slot that is active is never just forgotten. */
  #checkOccupied(slot: number): void {
    const { at } = this.state.slots[slot] ?? {}
    if (at === 'active') assert.ok(this.#inSlot(slot).length > 0, `the active slot ${slot} has a worker`)
    else
      assert.ok(
        at !== undefined && !this.#inSlot(slot).some((worker) => !isLeaving(worker)),
        `slot ${slot} is ${at}, so nobody holds it`,
      )
  }

  /** An operation that was going on and is not any more was ended by a stop, or said how it ended. */
  #checkOperation(before: AppState, event: Event, notices: readonly Notice[]): void {
    const was = kindOf(before.operation)
    const is = kindOf(this.state.operation)
    const commands = ['start', 'restart', 'reload', 'scale']
    if (was === 'renewal' && before.pending === undefined && commands.includes(event.type)) {
      assert.deepEqual(this.state, { ...before, pending: event }, 'a command waits for a renewal')
    } else if (was !== 'none' && commands.includes(event.type)) {
      assert.deepEqual(notices, [{ type: 'refused', command: event.type, during: before.operation.type }])
      assert.deepEqual(this.state, before, 'a refused command changes nothing')
    }
    if (was === is || was === 'none' || event.type === 'stop') return
    if (was === 'restart' && is === 'start') return
    const follows =
      (is === 'renewal' && before.renewals.length > 0) ||
      (was === 'command' && is === 'rollback') ||
      (was === 'renewal' && before.pending !== undefined)
    assert.ok(is === 'none' || follows, `a ${was} does not become a ${is}`)
    assert.equal(
      notices.filter(({ type }) => ends[was].includes(type)).length,
      1,
      `a ${was} says how it ended`,
    )
  }

  /** `brood run` ends when nothing runs and nothing will, so that is told once, and only then. */
  #checkEnd(before: AppState, notices: readonly Notice[]): void {
    const { wanted, size, slots } = this.state
    const isOver = wanted === 'running' && size > 0 && isAlive(before) && !isAlive(this.state)
    const failed = slots.some(({ at }) => at === 'failed')
    const told = notices.filter(({ type }) => type === 'finished')
    assert.deepEqual(told, isOver ? [{ type: 'finished', failed }] : [], 'the end of everything is told')
  }

  #inSlot(slot: number): Worker[] {
    return [...this.state.workers.values()].filter((worker) => worker.slot === slot)
  }
}
