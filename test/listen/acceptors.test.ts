// Every queue that ever had a listener keeps an acceptor as long as somebody serves its address.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type AcceptCommand, Acceptors } from '../../src/listen/acceptors.ts'

const bounded = { timeout: 60_000 }

const adopt = (key: string, slot: number, worker: number): AcceptCommand => ({
  type: 'adopt',
  key,
  slot,
  worker,
})
const release = (key: string, slot: number, worker: number): AcceptCommand => ({
  type: 'release',
  key,
  slot,
  worker,
})

suite('the queue of a slot', () => {
  test('is adopted when its worker leaves, and released to the next worker of the slot', bounded, () => {
    const acceptors = new Acceptors()
    assert.deepEqual(acceptors.listening('*:80', 0, 1), [])
    assert.deepEqual(acceptors.listening('*:80', 1, 2), [])
    assert.deepEqual(acceptors.left(1), [adopt('*:80', 0, 2)])
    assert.deepEqual(acceptors.adopted(), [{ key: '*:80', slot: 0, worker: 2 }])
    assert.deepEqual(acceptors.listening('*:80', 0, 3), [release('*:80', 0, 2)])
    assert.deepEqual(acceptors.adopted(), [])
  })

  test('is not adopted in a hand-over: the new worker listens there already', bounded, () => {
    const acceptors = new Acceptors()
    acceptors.listening('*:80', 0, 1)
    acceptors.listening('*:80', 1, 2)
    acceptors.listening('*:80', 0, 3)
    assert.deepEqual(acceptors.left(1), [])
  })

  test(
    'that nobody was left to adopt is adopted by the next worker that listens, in whatever slot',
    bounded,
    () => {
      const acceptors = new Acceptors()
      acceptors.listening('*:80', 0, 1)
      assert.deepEqual(acceptors.left(1), [])
      assert.deepEqual(acceptors.listening('*:80', 1, 2), [adopt('*:80', 0, 2)])
    },
  )

  test('goes to another sibling when its adopter leaves, without a release', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
    assert.deepEqual(acceptors.left(1), [adopt('*:80', 1, 2)])
    assert.deepEqual(acceptors.left(2), [adopt('*:80', 1, 3), adopt('*:80', 2, 3)])
  })

  test('goes to the sibling that has adopted the fewest', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2, 3, 4]) acceptors.listening('*:80', worker, worker)
    assert.deepEqual(acceptors.left(1), [adopt('*:80', 1, 2)])
    assert.deepEqual(acceptors.left(3), [adopt('*:80', 3, 4)])
  })

  test('is adopted on each address by a worker that serves that address', bounded, () => {
    const acceptors = new Acceptors()
    acceptors.listening('*:80', 0, 1)
    acceptors.listening('*:443', 0, 1)
    acceptors.listening('*:80', 1, 2)
    acceptors.listening('*:443', 2, 3)
    assert.deepEqual(acceptors.left(1), [adopt('*:80', 0, 2), adopt('*:443', 0, 3)])
  })

  test('is adopted when the program closes one server, and that on its address only', bounded, () => {
    const acceptors = new Acceptors()
    for (const key of ['*:80', '*:443']) for (const worker of [1, 2]) acceptors.listening(key, worker, worker)
    assert.deepEqual(acceptors.left(1, '*:443'), [adopt('*:443', 1, 2)])
    assert.deepEqual(acceptors.keysOf(1), ['*:80'])
    assert.deepEqual(acceptors.serving('*:443'), [2])
  })

  test(
    'goes to another sibling when a worker could not take it in, which is not asked again',
    bounded,
    () => {
      const acceptors = new Acceptors()
      for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
      assert.deepEqual(acceptors.left(1), [adopt('*:80', 1, 2)])
      assert.deepEqual(acceptors.unable(2), [
        { type: 'release', key: '*:80', slot: 1, worker: 2 },
        adopt('*:80', 1, 3),
      ])
      assert.equal(acceptors.isStuck, false)
      assert.deepEqual(acceptors.left(3), [])
      assert.deepEqual(acceptors.serving('*:80'), [2])
      assert.equal(acceptors.isStuck, true, 'the one who is left cannot take it')
      assert.deepEqual(acceptors.listening('*:80', 3, 4), [adopt('*:80', 1, 4)])
      assert.equal(acceptors.isStuck, false)
    },
  )

  test('is taken in while its worker is blocked, and given back when that is back', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
    assert.deepEqual(acceptors.blocked(1), [adopt('*:80', 1, 2)])
    assert.deepEqual(acceptors.blocked(1), [], 'told twice')
    assert.deepEqual(acceptors.back(1), [release('*:80', 1, 2)])
    assert.deepEqual(acceptors.adopted(), [])
  })

  test('goes on to the next sibling when who took it in blocks too, with that one’s own', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
    acceptors.blocked(1)
    assert.deepEqual(acceptors.blocked(2), [release('*:80', 1, 2), adopt('*:80', 1, 3), adopt('*:80', 2, 3)])
    assert.deepEqual(acceptors.back(1), [release('*:80', 1, 3)])
  })

  test('stays where it is when all are blocked, and goes to the first that is back', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
    acceptors.blocked(1)
    acceptors.blocked(2)
    assert.deepEqual(acceptors.blocked(3), [])
    assert.deepEqual(acceptors.back(2), [
      release('*:80', 1, 3),
      release('*:80', 2, 3),
      adopt('*:80', 1, 2),
      adopt('*:80', 3, 2),
    ])
  })

  test('of a blocked worker that dies stays with its adopter until the slot has a worker', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
    acceptors.blocked(1)
    assert.deepEqual(acceptors.left(1), [])
    assert.deepEqual(acceptors.back(1), [], 'its last word comes late')
    assert.deepEqual(acceptors.adopted(), [{ key: '*:80', slot: 1, worker: 2 }])
    assert.deepEqual(acceptors.listening('*:80', 1, 4), [release('*:80', 1, 2)])
  })

  test('is served by the new worker of its slot when the old one blocks in a hand-over', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2]) acceptors.listening('*:80', worker, worker)
    acceptors.listening('*:80', 1, 4)
    assert.deepEqual(acceptors.blocked(1), [])
    assert.deepEqual(acceptors.blocked(4), [adopt('*:80', 1, 2)])
  })

  test('is taken in by nobody who is blocked', bounded, () => {
    const acceptors = new Acceptors()
    for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
    assert.deepEqual(acceptors.blocked(2), [adopt('*:80', 2, 1)])
    assert.deepEqual(acceptors.left(1), [adopt('*:80', 1, 3), adopt('*:80', 2, 3)])
  })

  test(
    'of a blocked worker is left to a worker of an earlier supervisor that serves it already',
    bounded,
    () => {
      const acceptors = new Acceptors()
      for (const worker of [1, 2, 3]) acceptors.listening('*:80', worker, worker)
      acceptors.blocked(1)
      assert.deepEqual(acceptors.adopts('*:80', 1, 3), [release('*:80', 1, 2)])
      assert.deepEqual(acceptors.back(1), [release('*:80', 1, 3)])
    },
  )

  test('is let go by nobody who is unknown', bounded, () => {
    const acceptors = new Acceptors()
    acceptors.listening('*:80', 0, 1)
    assert.deepEqual([acceptors.left(7), acceptors.left(1, '*:81'), acceptors.unable(7)], [[], [], []])
    assert.deepEqual(acceptors.serving('*:81'), [])
  })
})

const keys = ['*:80', '*:443']
const slotCount = 3

/** Workers keep their slot, as in the lifecycle: worker n is in slot n modulo 3. */
class World {
  readonly #acceptors = new Acceptors()
  readonly #queues = new Set<string>()
  readonly #serves = new Set<string>()
  readonly #adopted = new Map<string, number>()
  readonly #unable = new Set<number>()
  readonly #blocked = new Set<number>()

  listening(key: string, worker: number): void {
    this.#queues.add(`${key} ${worker % slotCount}`)
    this.#serves.add(`${key} ${worker}`)
    this.#obey(this.#acceptors.listening(key, worker % slotCount, worker))
  }

  left(worker: number, key?: string): void {
    for (const one of keys) if (key === undefined || key === one) this.#serves.delete(`${one} ${worker}`)
    for (const [queue, adopter] of this.#adopted) {
      if (adopter === worker && (key === undefined || queue.startsWith(`${key} `)))
        this.#adopted.delete(queue)
    }
    if (key === undefined) {
      this.#unable.delete(worker)
      this.#blocked.delete(worker)
    }
    this.#obey(this.#acceptors.left(worker, key))
  }

  unable(worker: number): void {
    this.#unable.add(worker)
    this.#obey(this.#acceptors.unable(worker))
  }

  blocked(worker: number): void {
    this.#blocked.add(worker)
    this.#obey(this.#acceptors.blocked(worker))
  }

  back(worker: number): void {
    this.#blocked.delete(worker)
    this.#obey(this.#acceptors.back(worker))
  }

  #obey(commands: readonly AcceptCommand[]): void {
    for (const { type, key, slot, worker } of commands) {
      const queue = `${key} ${slot}`
      if (type === 'release') {
        assert.equal(this.#adopted.get(queue), worker, 'nobody is to release what it did not adopt')
        this.#adopted.delete(queue)
        continue
      }
      assert.ok(this.#able(key).includes(worker), 'who adopts serves that address and can take a queue in')
      assert.ok(this.#queues.has(queue), 'a queue that never had a listener is not adopted')
      assert.equal(this.#adopted.get(queue), undefined, 'nobody is told to adopt what is adopted already')
      const least = Math.min(...this.#able(key).map((one) => this.#load(key, one)))
      assert.equal(this.#load(key, worker), least, 'who adopts has adopted the fewest')
      this.#adopted.set(queue, worker)
    }
    this.#check()
  }

  #check(): void {
    for (const queue of this.#queues) {
      const [key = '', slot] = queue.split(' ')
      const owners = this.#serving(key).filter((worker) => worker % slotCount === Number(slot))
      const adopter = this.#adopted.get(queue)
      if (owners.some((worker) => !this.#blocked.has(worker)))
        assert.equal(adopter, undefined, `${queue} has a worker of its own, so no adopter`)
      else if (this.#able(key).length > 0)
        assert.ok(adopter !== undefined && this.#able(key).includes(adopter), `${queue} has an acceptor`)
    }
    const adopted = this.#acceptors
      .adopted()
      .map(({ key, slot, worker }) => [`${key} ${slot}`, worker] as const)
    assert.deepEqual(new Map(adopted), this.#adopted)
    for (const key of keys) assert.deepEqual(this.#acceptors.serving(key).sort(), this.#serving(key).sort())
  }

  #serving(key: string): number[] {
    return [...this.#serves]
      .filter((entry) => entry.startsWith(`${key} `))
      .map((entry) => Number(entry.split(' ')[1]))
  }

  #able(key: string): number[] {
    return this.#serving(key).filter((worker) => !this.#unable.has(worker) && !this.#blocked.has(worker))
  }

  #load(key: string, worker: number): number {
    return [...this.#adopted].filter(([queue, adopter]) => adopter === worker && queue.startsWith(`${key} `))
      .length
  }
}

test(
  'whoever listens, closes, blocks and leaves, no queue is without an acceptor and the commands are balanced',
  bounded,
  () => {
    const worker = fc.nat(8)
    const key = fc.constantFrom(...keys)
    const deed = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('listening'), key, worker }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('left'), worker }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('closed'), key, worker }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('unable'), worker }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('blocked'), worker }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('back'), worker }) },
    )
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 60, size: 'max' }), (deeds) => {
        const world = new World()
        for (const one of deeds) {
          if (one.do === 'listening') world.listening(one.key, one.worker)
          else if (one.do === 'closed') world.left(one.worker, one.key)
          else if (one.do === 'left') world.left(one.worker)
          else if (one.do === 'blocked') world.blocked(one.worker)
          else if (one.do === 'back') world.back(one.worker)
          else world.unable(one.worker)
        }
      }),
      { numRuns: 2000 },
    )
  },
)

test('orphaned queues go to the first worker that listens, and to their own when it comes', () => {
  const acceptors = new Acceptors()
  for (const slot of [0, 1, 2]) assert.deepEqual(acceptors.orphan('*:80', slot), [])
  assert.deepEqual(acceptors.listening('*:80', 0, 10), [
    { type: 'adopt', key: '*:80', slot: 1, worker: 10 },
    { type: 'adopt', key: '*:80', slot: 2, worker: 10 },
  ])
  assert.deepEqual(acceptors.listening('*:80', 2, 12), [
    { type: 'release', key: '*:80', slot: 2, worker: 10 },
  ])
})
