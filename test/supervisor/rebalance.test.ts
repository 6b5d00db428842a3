// The rounds of live rebalancing: who is asked, who gives to whom, what is waited for, and what is told of it.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { suite, test } from 'node:test'
import type { AppSettings } from '../../src/supervisor/app-settings.ts'
import { Passages } from '../../src/supervisor/passages.ts'
import { Rebalance } from '../../src/supervisor/rebalance.ts'
import { type AppState, initialState, type Policy } from '../../src/supervisor/state.ts'
import type { WorkerProcess } from '../../src/supervisor/worker-process.ts'
import type { SupervisorMessage } from '../../src/wire/messages.ts'
import { HandClock } from '../support/hand-clock.ts'

const key = '*:3000'
const policy: Policy = {
  ...{ restart: 'permanent', intensity: 5, period: 10_000, stopExitCodes: [], parallel: 1 },
  ...{ backoff: { from: 100, to: 30_000, jitter: 0 }, readyTimeout: 30_000, settle: 250, grace: 10_000 },
}
const bounded = { timeout: 10_000 }

/** A connection as it comes over IPC: with a handle whose reading can be stopped. */
function connection(): Socket {
  return Object.assign(new Socket(), { _handle: { reading: true, readStop: () => 0, close() {} } })
}

/** A worker with so many connections, which does what it is told when the test says so. */
class Fake implements WorkerProcess {
  readonly pid = 1
  readonly startedAt = 0
  readonly told: SupervisorMessage[] = []
  takesSockets = true
  /** Messages so far. */
  heard = 0
  /** Its program has not closed the line on which connections travel. */
  connected = true
  open: number
  received = 0
  #arrivals: ((taken: boolean) => void)[] = []

  constructor(open: number) {
    this.open = open
  }

  send(message: SupervisorMessage): void {
    this.heard++
    this.told.push(message)
  }

  sendConnection(_key: string, _id: number, _socket: Socket, done: (taken: boolean) => void): boolean {
    if (this.connected) this.#arrivals.push(done)
    return this.connected
  }

  /** Sent to it and not taken yet. */
  get underway(): number {
    return this.#arrivals.length
  }

  take(): void {
    const arrivals = this.#arrivals.splice(0)
    this.open += arrivals.length
    this.received += arrivals.length
    for (const done of arrivals) done(true)
  }

  /** What was sent to it comes to nothing. */
  die(): void {
    this.connected = false
    for (const done of this.#arrivals.splice(0)) done(false)
  }

  /** The last thing it was told, if that is of this type, and forgets it. */
  last<Type extends SupervisorMessage['type']>(type: Type): (SupervisorMessage & { type: Type }) | undefined {
    const found = this.told.findLast((message) => message.type === type)
    this.told.length = 0
    return found as (SupervisorMessage & { type: Type }) | undefined // the predicate has looked at its type
  }

  sendListener(): boolean {
    return false
  }
  sendClient(): boolean {
    return false
  }
  signal(): void {}
  signalLeader(): void {}
  async endRest(): Promise<void> {}
}

type Settings = { -readonly [Key in 'name' | 'rebalance' | 'share' | 'balance']: AppSettings[Key] }

class World {
  readonly clock = new HandClock()
  readonly workers: Fake[]
  readonly members: Map<number, { id: number; slot: number; process: Fake }>
  readonly serving: Set<number>
  readonly draining = new Set<number>()
  readonly settings: Settings = { name: 'web', rebalance: true, share: 'slots', balance: undefined }
  readonly told: string[] = []
  readonly passages: Passages
  readonly rebalance: Rebalance
  operation: AppState['operation'] = { type: 'none' }

  /** Workers 1, 2, … with so many connections each. */
  constructor(...opens: number[]) {
    this.workers = opens.map((open) => new Fake(open))
    this.members = new Map(this.workers.map((process, slot) => [slot + 1, { id: slot + 1, slot, process }]))
    this.serving = new Set(this.members.keys())
    this.passages = new Passages(this.members, () => [...this.serving])
    const { members, passages, clock, settings, told } = this
    this.rebalance = new Rebalance({
      ...{ members, passages, clock, settings: () => settings, keys: () => [key] },
      state: () => this.#state,
      moved: (summary) => told.push(summary),
    })
    this.rebalance.follow()
  }

  get #state(): AppState {
    const workers = [...this.members.values()].map(({ id, slot }) => {
      const common = { id, slot, release: 1 }
      return this.draining.has(id)
        ? ({ ...common, at: 'draining', signalAt: 0, killAt: 0 } as const)
        : ({ ...common, at: 'ready', since: 0, renewAt: Infinity } as const)
    })
    return {
      ...initialState(policy, this.workers.length, 1, 'running'),
      operation: this.operation,
      workers: new Map(workers.map((worker) => [worker.id, worker])),
    }
  }

  get opens(): number[] {
    return this.workers.map(({ open }) => open)
  }

  /** A second passes, and everybody who is asked answers, but not those left out; they are waited for. */
  ask(...silent: number[]): void {
    this.clock.advance(1000)
    for (const [id, { process }] of this.members) {
      const asked = process.last('connections')
      if (asked === undefined || silent.includes(id)) continue
      this.rebalance.counted(id, asked.id, { open: process.open, received: process.received })
    }
    if (silent.length > 0) this.clock.advance(500)
  }

  /** Whoever was told to hand connections on does, at most so many; and those who are sent them take them, or not yet. */
  give({ atMost = Infinity, taken = true } = {}): void {
    for (const [id, { process }] of [...this.members]) {
      const shed = process.last('shed')
      if (shed === undefined) continue
      const handed = Math.min(atMost, shed.count)
      for (let one = 0; one < handed; one++) this.passages.pass(id, key, one, connection())
      process.open -= handed
      this.rebalance.shed(id, shed.id, handed)
    }
    if (taken) for (const worker of this.workers) worker.take()
  }

  rounds(count: number): void {
    for (let round = 0; round < count; round++) {
      this.ask()
      this.give()
    }
  }
}

suite('live rebalancing', bounded, () => {
  test('spreads evenly in one round, and tells of it when nothing moves any more', () => {
    const world = new World(60, 0, 0)
    world.rounds(1)
    assert.deepEqual(world.opens, [20, 20, 20])
    assert.deepEqual(world.told, [])
    world.rounds(3)
    assert.deepEqual(world.told, ['moved 40 idle connections: web/0 60→20, web/1 0→20, web/2 0→20'])
  })
  test('asks nobody anything when it is off, and when the app is in the middle of something', () => {
    const world = new World(60, 0)
    const { settings, rebalance, clock } = world
    assert.deepEqual(clock.waits, [1000])
    settings.rebalance = false
    rebalance.follow()
    assert.deepEqual(clock.waits, [])
    settings.rebalance = true
    world.operation = { type: 'scale' }
    rebalance.follow()
    assert.deepEqual(clock.waits, [])
    world.operation = { type: 'none' }
    rebalance.follow()
    assert.deepEqual(clock.waits, [1000])
  })
  test('does nothing where clients are to stay with their worker', () => {
    const { settings, rebalance, clock } = new World(60, 0)
    settings.share = 'balanced'
    settings.balance = { algorithm: 'ip-hash', weights: [] }
    rebalance.follow()
    assert.deepEqual(clock.waits, [])
  })
  test('goes by the weights of a balanced app', () => {
    const world = new World(0, 40)
    world.settings.share = 'balanced'
    world.settings.balance = { algorithm: 'weighted', weights: [3] }
    world.rounds(1)
    assert.deepEqual(world.opens, [30, 10])
  })
  test('counts what is on its way for who will get it', () => {
    const world = new World(60, 0)
    world.ask()
    world.give({ taken: false })
    assert.deepEqual(world.opens, [30, 0])
    world.ask()
    world.give({ taken: false })
    assert.deepEqual(world.opens, [30, 0])
    world.rounds(1)
    assert.deepEqual(world.opens, [30, 30])
  })
  test('leaves out who drains, who was started by another supervisor, and who does not answer', () => {
    const world = new World(60, 0, 0, 0, 0)
    world.draining.add(2)
    const [, , returned] = world.workers
    assert.ok(returned)
    returned.takesSockets = false
    world.ask(4)
    assert.equal(returned.heard, 0, 'it may be of another version, and not know the question')
    world.give()
    assert.deepEqual(world.opens, [30, 0, 0, 0, 30])
  })
  test('gives nothing to a taker that leaves meanwhile: others get its part', () => {
    const world = new World(60, 0, 0)
    world.ask()
    world.serving.delete(2)
    world.give()
    assert.deepEqual(world.opens, [20, 0, 40])
  })
  test('sends nothing to a worker whose program has closed its line, and counts on it no more', () => {
    const world = new World(60, 0, 0)
    const [, closed] = world.workers
    assert.ok(closed)
    closed.connected = false
    world.rounds(1)
    assert.deepEqual(world.opens, [20, 0, 40])
    world.rounds(3)
    assert.deepEqual(world.opens, [30, 0, 30])
  })
  test('leaves who has nothing to give alone for half a minute, and spreads the others among themselves', () => {
    const world = new World(1000, 60, 0)
    world.ask()
    world.give({ atMost: 0 })
    world.rounds(5)
    assert.deepEqual(world.opens, [1000, 30, 30])
    world.clock.advance(30_000)
    world.rounds(1)
    assert.notEqual(world.opens[0], 1000)
  })
  test('goes on without a giver that dies before it has handed anything on', () => {
    const world = new World(60, 30, 0)
    world.ask()
    world.members.delete(1)
    world.rebalance.follow()
    world.rounds(1)
    assert.deepEqual(world.opens, [60, 15, 15])
  })
  test('goes on without a giver that says nothing for ten seconds', () => {
    const world = new World(60, 0)
    world.ask()
    world.clock.advance(10_000)
    world.rounds(1)
    assert.deepEqual(world.opens, [30, 30])
  })
  test('does not mind answers of another round, or of nobody', () => {
    const world = new World(60, 0)
    const { rebalance, clock } = world
    rebalance.counted(1, 0, { open: 5, received: 0 })
    rebalance.shed(1, 0, 5)
    clock.advance(1000)
    rebalance.counted(1, 99, { open: 0, received: 0 })
    rebalance.counted(77, 1, { open: 7000, received: 0 })
    rebalance.shed(1, 1, 5)
    rebalance.counted(1, 1, { open: 60, received: 0 })
    rebalance.counted(2, 1, { open: 0, received: 0 })
    world.give()
    assert.deepEqual(world.opens, [30, 30])
  })
  test('tells once a minute where clients come and go all the time, of all that has moved', () => {
    const world = new World(60, 0)
    const [first] = world.workers
    assert.ok(first)
    for (let round = 0; round < 130; round++) {
      world.rounds(1)
      if (round % 2 === 1) first.open += 20
    }
    assert.equal(world.told.length, 3, world.told.join('\n'))
    assert.equal(world.told[0], 'moved 30 idle connections: web/0 60→30, web/1 0→30')
    assert.match(world.told[1] ?? '', /^moved \d{3} idle connections: web\/0 50→/)
  })
})

suite('a connection between two workers', bounded, () => {
  test('goes back to where it came from when nobody else can take it', () => {
    const { passages, workers, serving } = new World(1, 0)
    serving.delete(2)
    passages.pass(1, key, 0, connection())
    assert.equal(workers[0]?.underway, 1)
  })
  test('goes to another worker when the first one dies before it has it', () => {
    const { passages, workers } = new World(1, 0, 0)
    const socket = connection()
    passages.pass(1, key, 0, socket)
    const first = workers.find(({ underway }) => underway === 1)
    first?.die()
    const second = workers.find(({ underway }) => underway === 1)
    assert.ok(second !== undefined && second !== first && second !== workers[0])
    assert.equal(socket.destroyed, false)
    second.take()
    assert.equal(socket.destroyed, true)
  })
  test('that a leaving worker hands on is off its hands at once, one of many only when it has arrived', () => {
    const { passages, workers } = new World(1, 0)
    passages.pass(1, key, 3, connection())
    assert.deepEqual(workers[0]?.last('taken'), { type: 'taken', id: 3 })
    workers[1]?.take()
    passages.route = () => 2
    passages.pass(1, key, 4, connection())
    workers[0]?.last('connections')
    assert.equal(workers[0]?.last('taken'), undefined)
    workers[1]?.take()
    assert.deepEqual(workers[0]?.last('taken'), { type: 'taken', id: 4 })
  })
  test('ends when nobody can take it, not even its sender; the sender is told in any case', () => {
    const { passages, workers, serving } = new World(1, 0)
    serving.clear()
    const socket = connection()
    passages.pass(1, key, 7, socket)
    assert.ok(socket.destroyed)
    assert.deepEqual(workers[0]?.last('taken'), { type: 'taken', id: 7 })
  })
})
