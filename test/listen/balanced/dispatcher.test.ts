// Who gets a connection, and when: nobody waits behind a slow worker, none is lost with a dead one, and not too many wait.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type BalancerName, balancers, isBalancerName, Load } from '../../../src/balance/index.ts'
import { Dispatcher } from '../../../src/listen/balanced/dispatcher.ts'
import type { Recipient } from '../../../src/listen/balanced/recipient.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const bounded = { timeout: 60_000 }
const names = Object.keys(balancers).filter(isBalancerName)

class Connection {
  closed = 0
  readonly address: string

  constructor(address = '10.0.0.1') {
    this.address = address
  }

  close(): void {
    this.closed++
  }

  getpeername(out: { address?: string }): number {
    out.address = this.address
    return 0
  }
}

/** A worker that takes its connections only when the test says so. */
class Worker implements Recipient<Connection> {
  readonly id: number
  readonly load: Load
  readonly taken: Connection[] = []
  connected = true
  readonly #underway: { client: Connection; done: (taken: boolean) => void }[] = []
  readonly #together: number

  constructor(id: number, clock: FakeClock, loadId = id, together = 1) {
    this.id = id
    this.#together = together
    this.load = new Load(loadId, () => clock.now())
  }

  send(client: Connection, done: (taken: boolean) => void): boolean {
    if (!this.connected) return false
    assert.ok(this.#underway.length < this.#together, 'no more at a time than was asked for')
    this.#underway.push({ client, done })
    return true
  }

  get underway(): Connection | undefined {
    return this.#underway[0]?.client
  }

  get howManyUnderway(): number {
    return this.#underway.length
  }

  /** Takes the first of what is under way, or lets it be; false when there is nothing. */
  settle(taken: boolean): boolean {
    const underway = this.#underway.shift()
    if (underway === undefined) return false
    if (taken) this.taken.push(underway.client)
    underway.done(taken)
    return true
  }

  takeAll(): void {
    while (this.settle(true));
  }
}

function setUp(algorithm: BalancerName, workers: number, together = 1) {
  const clock = new FakeClock(1000)
  const paces: boolean[] = []
  const dispatcher = new Dispatcher<Connection>({
    ...{ algorithm, clock, together },
    pace: (accept) => paces.push(accept),
  })
  const all = Array.from({ length: workers }, (_, index) => new Worker(index + 1, clock, index + 1, together))
  for (const worker of all) dispatcher.add(worker)
  return { clock, paces, dispatcher, all }
}

suite('the dispatcher', () => {
  test('round robin gives 400 connections at once to 4 workers as 100 each', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 4)
    for (let turn = 0; turn < 400; turn++) {
      dispatcher.dispatch(new Connection())
      // Each takes its connections in its own time, some later than others.
      if (turn % 3 === 0) all[turn % 4]?.settle(true)
      if (turn % 16 === 0) for (const worker of all) worker.takeAll()
    }
    for (const worker of all) worker.takeAll()
    assert.deepEqual(
      all.map(({ taken }) => taken.length),
      [100, 100, 100, 100],
    )
  })

  test('a connection that was under way to a worker that died is given to another', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 2)
    const [first, second] = all
    const client = new Connection()
    dispatcher.dispatch(client)
    assert.equal(first?.underway, client)
    dispatcher.remove(1)
    assert.equal(second?.underway, undefined, 'it may still take it')
    first?.settle(false)
    assert.equal(second?.underway, client)
    second?.takeAll()
    assert.deepEqual([second?.taken, client.closed], [[client], 1])
  })

  for (const algorithm of ['round-robin', 'ip-hash'] as const) {
    test(
      `${algorithm}: a worker that cannot take connections is not sent them again and again`,
      bounded,
      async () => {
        const clock = new FakeClock(1000)
        const dispatcher = new Dispatcher<Connection>({ algorithm, clock })
        const worker = new Worker(0, clock)
        dispatcher.add(worker)
        const [one, two] = [new Connection(), new Connection()]
        dispatcher.dispatch(one)
        dispatcher.dispatch(two)
        assert.equal(worker.settle(false), true)
        assert.equal(worker.underway, undefined, 'left in peace')
        await clock.pass(100)
        assert.equal(worker.howManyUnderway, 1)
        worker.takeAll()
        assert.deepEqual(new Set(worker.taken), new Set([one, two]))
        dispatcher.close()
        assert.equal(clock.waiting, 0)
      },
    )
  }

  test('what waits behind a worker that leaves goes to the others, in order', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 2)
    const clients = Array.from({ length: 6 }, () => new Connection())
    for (const client of clients) dispatcher.dispatch(client)
    dispatcher.remove(1)
    all[1]?.takeAll()
    assert.deepEqual(all[1]?.taken, [clients[1], clients[3], clients[5], clients[2], clients[4]])
    all[0]?.settle(true)
    assert.deepEqual(all[0]?.taken, [clients[0]])
  })

  test('a worker whose line has closed is left out', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 2)
    const [first, second] = all
    assert.ok(first && second)
    first.connected = false
    dispatcher.dispatch(new Connection())
    second.takeAll()
    assert.deepEqual([second.taken.length, dispatcher.has(1), dispatcher.size], [1, false, 1])
  })

  test('a suspended worker gets nothing, what waits behind it goes to others at once', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 2)
    const [blocked, other] = all
    for (let turn = 0; turn < 6; turn++) dispatcher.dispatch(new Connection())
    dispatcher.suspend(1, true)
    for (let turn = 0; turn < 4; turn++) dispatcher.dispatch(new Connection())
    other?.takeAll()
    assert.equal(other?.taken.length, 9, 'all but the one that was under way')
    dispatcher.suspend(1, false)
    for (let turn = 0; turn < 4; turn++) dispatcher.dispatch(new Connection())
    for (const worker of all) worker.takeAll()
    assert.deepEqual([blocked?.taken.length, other?.taken.length], [1 + 2, 9 + 2])
  })

  test('with all suspended connections wait for the first that is back', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 2)
    dispatcher.suspend(1, true)
    dispatcher.suspend(2, true)
    for (let turn = 0; turn < 3; turn++) dispatcher.dispatch(new Connection())
    assert.ok(all.every(({ underway }) => underway === undefined))
    dispatcher.suspend(2, false)
    for (const worker of all) worker.takeAll()
    assert.deepEqual(
      all.map(({ taken }) => taken.length),
      [0, 3],
    )
  })

  test('a sticky client waits for its own worker, suspended or not', bounded, () => {
    const { dispatcher, all } = setUp('ip-hash', 2)
    dispatcher.dispatch(new Connection())
    const own = all.find(({ underway }) => underway !== undefined)
    own?.takeAll()
    dispatcher.suspend(own?.id ?? 0, true)
    dispatcher.dispatch(new Connection())
    assert.ok(own?.underway)
  })

  test('what waits behind a slow worker goes to the others after a moment', bounded, async () => {
    const { clock, dispatcher, all } = setUp('round-robin', 2)
    const [slow, quick] = all
    for (let turn = 0; turn < 8; turn++) dispatcher.dispatch(new Connection())
    quick?.takeAll()
    assert.equal(quick?.taken.length, 4)
    await clock.pass(125)
    quick?.takeAll()
    assert.equal(quick?.taken.length, 7, 'all but the one that the slow worker has been sent')
    for (let turn = 0; turn < 5; turn++) dispatcher.dispatch(new Connection())
    quick?.takeAll()
    assert.equal(quick?.taken.length, 12, 'a slow worker gets nothing new')
    slow?.settle(true)
    dispatcher.dispatch(new Connection())
    dispatcher.dispatch(new Connection())
    slow?.takeAll()
    assert.equal(slow?.taken.length, 2, 'until it has caught up')
    quick?.takeAll()
    await clock.pass(1000)
    assert.equal(clock.waiting, 0, 'nothing waits for a time when nothing waits')
  })

  test('one that comes alone goes alone, and those that waited behind it go together', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 1, 4)
    const [worker] = all
    const counts: number[] = []
    const clients = Array.from({ length: 8 }, () => new Connection())
    for (const client of clients) {
      dispatcher.dispatch(client)
      counts.push(worker?.howManyUnderway ?? 0)
    }
    assert.deepEqual(counts, [1, 1, 1, 1, 1, 1, 1, 1])
    for (let turn = 0; turn < 8; turn++) {
      worker?.settle(true)
      counts.push(worker?.howManyUnderway ?? 0)
    }
    // The next go when all of those before have been taken: then one word from the worker wakes the sender for all of them.
    assert.deepEqual(counts.slice(8), [4, 3, 2, 1, 3, 2, 1, 0])
    assert.deepEqual(worker?.taken, clients)
  })

  test('those that went together to a worker that died are given to another, in order', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 2, 4)
    const [first, second] = all
    const clients = Array.from({ length: 10 }, () => new Connection())
    for (const client of clients) dispatcher.dispatch(client)
    first?.settle(true)
    assert.equal(first?.howManyUnderway, 4)
    if (first !== undefined) first.connected = false
    while (first?.settle(false));
    second?.takeAll()
    assert.deepEqual(first?.taken, [clients[0]])
    assert.deepEqual(new Set(second?.taken), new Set(clients.slice(1)))
    assert.ok(clients.every(({ closed }) => closed === 1))
  })

  test('with everybody busy it says stop, and go on when few are left', bounded, () => {
    const { paces, dispatcher, all } = setUp('round-robin', 2)
    const clients = Array.from({ length: 600 }, () => new Connection())
    for (const client of clients) dispatcher.dispatch(client)
    assert.deepEqual(paces, [false])
    while (all.some((worker) => worker.settle(true)));
    assert.deepEqual(paces, [false, true])
    assert.ok(clients.every(({ closed }) => closed === 1))
  })

  test(
    'ip-hash: the clients of a blocked worker hold nobody else up, and those beyond 512 go to others',
    bounded,
    async () => {
      const { clock, paces, dispatcher, all } = setUp('ip-hash', 3)
      const ask = (count: number, address: string): Connection[] =>
        Array.from({ length: count }, () => {
          const client = new Connection(address)
          dispatcher.dispatch(client)
          return client
        })
      const [first] = ask(1, '192.168.7.9')
      const blocked = all.find(({ underway }) => underway === first)
      assert.ok(blocked)
      const waiting = ask(512, '192.168.7.9')
      assert.deepEqual(paces, [false], 'it may only be a burst')
      await clock.pass(125)
      assert.deepEqual(paces, [false, true], 'the others have nothing to do')
      const beyond = ask(20, '192.168.7.9')
      const others = all.filter((one) => one !== blocked)
      for (const other of others) other.takeAll()
      assert.deepEqual(new Set(others.flatMap(({ taken }) => taken)), new Set(beyond))
      assert.equal(others.filter(({ taken }) => taken.length > 0).length, 1, 'one client goes to one of them')
      assert.deepEqual(paces, [false, true])

      const next = new Worker(9, clock, blocked.load.id)
      dispatcher.add(next)
      dispatcher.remove(blocked.id)
      next.takeAll()
      assert.deepEqual(new Set(next.taken), new Set(waiting), 'what waited goes with the slot')
      await clock.pass(1000)
      assert.equal(clock.waiting, 0)
    },
  )

  test('ip-hash: with all workers blocked accepting ends as ever', bounded, async () => {
    const { clock, paces, dispatcher, all } = setUp('ip-hash', 2)
    const clients = Array.from({ length: 400 }, (_, index) => new Connection(`10.0.${index}.1`))
    for (const client of clients) dispatcher.dispatch(client)
    assert.ok(all.every(({ underway }) => underway !== undefined))
    await clock.pass(125)
    for (const { address } of clients.slice(0, 120)) dispatcher.dispatch(new Connection(address))
    assert.deepEqual(paces, [false])
    while (all.some((worker) => worker.settle(true)));
    assert.deepEqual(paces, [false, true])
    assert.equal(all.flatMap(({ taken }) => taken).length, 520)
  })

  test('without any worker connections wait for the first', bounded, () => {
    const { clock, dispatcher } = setUp('least-connections', 0)
    const clients = [new Connection(), new Connection()]
    for (const client of clients) dispatcher.dispatch(client)
    const worker = new Worker(7, clock)
    dispatcher.add(worker)
    worker.takeAll()
    assert.deepEqual(worker.taken, clients)
  })

  test(
    'ip-hash: a client waits for its own slot, and goes with it from worker to worker',
    bounded,
    async () => {
      const clock = new FakeClock(1000)
      const dispatcher = new Dispatcher<Connection>({ algorithm: 'ip-hash', clock })
      const workers = [0, 1, 2].map((slot) => new Worker(slot + 1, clock, slot))
      for (const worker of workers) dispatcher.add(worker)
      const ask = (): Connection => {
        const client = new Connection('192.168.7.9')
        dispatcher.dispatch(client)
        return client
      }
      const first = ask()
      const own = workers.find(({ underway }) => underway === first)
      assert.ok(own)
      for (let turn = 0; turn < 20; turn++) ask()
      await clock.pass(1000)
      assert.ok(workers.every((worker) => worker === own || worker.underway === undefined))
      own.takeAll()
      assert.equal(own.taken.length, 21)
      const next = new Worker(9, clock, own.load.id)
      dispatcher.add(next)
      assert.equal(ask(), next.underway, 'the replacement')
      dispatcher.remove(own.id)
      next.takeAll()
      ask()
      next.takeAll()
      assert.equal(next.taken.length, 2)
    },
  )

  test('an algorithm that picks nobody it was given has connections go to the first', bounded, () => {
    const clock = new FakeClock()
    const dispatcher = new Dispatcher<Connection>({ algorithm: () => ({ pick: () => stranger }), clock })
    const stranger = new Load(9, () => 0)
    const [first, second] = [new Worker(1, clock), new Worker(2, clock)]
    dispatcher.dispatch(new Connection()) // found nobody, and looks again with each worker that comes
    dispatcher.add(first)
    dispatcher.add(second)
    dispatcher.dispatch(new Connection())
    first.takeAll()
    assert.deepEqual([first.taken.length, second.taken.length], [2, 0])
  })

  test('closing ends what nobody has, and nothing is taken in any more', bounded, () => {
    const { dispatcher, all } = setUp('round-robin', 1)
    const clients = Array.from({ length: 5 }, () => new Connection())
    for (const client of clients) dispatcher.dispatch(client)
    dispatcher.close()
    all[0]?.settle(false)
    const late = new Connection()
    dispatcher.dispatch(late)
    assert.deepEqual(
      [...clients, late].map(({ closed }) => closed),
      [1, 1, 1, 1, 1, 1],
    )
  })
})

type Step =
  | { do: 'connect'; from: number }
  | { do: 'take' | 'decline' | 'die'; worker: number }
  | { do: 'add' }
  | { do: 'wait' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('connect' as const), from: fc.nat(9) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('take' as const), worker: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('decline', 'die'), worker: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('add', 'wait') }) },
  ) as fc.Arbitrary<Step>, // the records are the union's members
  { maxLength: 80 },
)

for (const [name, together] of names.flatMap((one) => [[one, 1] as const, [one, 4] as const])) {
  const title = `${name}, ${together} at a time: whatever happens, each connection ends up with exactly one worker`
  test(title, bounded, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const clock = new FakeClock(1000)
        const dispatcher = new Dispatcher<Connection>({ algorithm: name, clock, together })
        const workers: Worker[] = []
        const clients: Connection[] = []
        const add = (): void => {
          const worker = new Worker(workers.length + 1, clock, workers.length + 1, together)
          workers.push(worker)
          dispatcher.add(worker)
        }
        for (const step of all) {
          if (step.do === 'add') add()
          else if (step.do === 'wait') await clock.pass(150)
          else if (step.do === 'connect') {
            const client = new Connection(`10.0.0.${step.from}`)
            clients.push(client)
            dispatcher.dispatch(client)
          } else {
            const worker = workers[step.worker]
            if (step.do === 'die' && worker !== undefined) {
              worker.connected = false
              dispatcher.remove(worker.id)
            }
            worker?.settle(step.do === 'take')
          }
        }
        add()
        await clock.pass(100) // so that who would not take one is asked again
        while (workers.some((worker) => worker.settle(worker.connected))) await clock.pass(30)
        const taken = workers.flatMap((worker) => worker.taken)
        assert.deepEqual(new Set(taken), new Set(clients))
        assert.equal(taken.length, clients.length)
        assert.ok(clients.every(({ closed }) => closed === 1))
      }),
      { numRuns: 200 },
    )
  })
}
