// What every balancing algorithm must do, and what each is chosen for.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type BalancerName, balancers, isBalancerName, Load, type Target } from '../../src/balance/index.ts'
import { random } from '../../src/balance/random.ts'
import { twoChoices } from '../../src/balance/two-choices.ts'
import { seededRandom } from '../support/load/random.ts'

type Some = readonly [Target, ...Target[]]

const names = Object.keys(balancers).filter(isBalancerName)
const nobody = { remoteAddress: undefined }

function targets(...connections: [number, ...number[]]): Some {
  const [first, ...rest] = connections.map((count, index) => target(index + 1, count))
  assert.ok(first)
  return [first, ...rest]
}

function target(id: number, connections = 0, weight = 1, latency = 0): Target {
  return { id, connections, weight, latency }
}

/** How often each id is picked. */
function count(picks: number, pick: (turn: number) => Target): Map<number, number> {
  const counts = new Map<number, number>()
  for (let turn = 0; turn < picks; turn++) {
    const { id } = pick(turn)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

const someTargets: fc.Arbitrary<Some> = fc
  .uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 50 }),
      connections: fc.nat(20),
      weight: fc.integer({ min: 1, max: 5 }),
      latency: fc.nat(5000),
    }),
    { minLength: 1, maxLength: 8, selector: ({ id }) => id },
  )
  .map(([first, ...rest]) => [first as Target, ...rest]) // minLength is 1

describe('every balancer', () => {
  for (const name of names) {
    it(`${name} picks one of the targets it is given, whatever came before, and changes none of them`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(someTargets, fc.option(fc.ipV4(), { nil: undefined }))), (arrivals) => {
          const balancer = balancers[name]()
          for (const [given, remoteAddress] of arrivals) {
            const frozen = Object.freeze(given.map((one) => Object.freeze({ ...one }))) as unknown as Some
            assert.ok(frozen.includes(balancer.pick(frozen, { remoteAddress })))
          }
        }),
      )
    })
    it(`${name} uses all of four equal targets, for many clients`, () => {
      const balancer = balancers[name]()
      const four = targets(0, 0, 0, 0)
      const counts = count(4000, (turn) =>
        balancer.pick(four, { remoteAddress: `10.0.${turn >> 8}.${turn & 255}` }),
      )
      for (const picked of counts.values()) assert.ok(picked > 800 && picked < 1200, `${[...counts]}`)
      assert.equal(counts.size, 4)
    })
  }
})

describe('round robin', () => {
  it('goes on behind the last when targets come and go', () => {
    const balancer = balancers['round-robin']()
    const four = targets(0, 0, 0, 0)
    const without = (id: number): Some => four.filter((one) => one.id !== id) as unknown as Some
    const ids = [four, four, without(3), four, four, without(1)].map((some) => balancer.pick(some, nobody).id)
    assert.deepEqual(ids, [1, 2, 4, 1, 2, 3])
  })
})

describe('least connections', () => {
  it('picks the one with the fewest', () => {
    assert.equal(balancers['least-connections']().pick(targets(3, 1, 2), nobody).id, 2)
  })
  it('counts them in proportion to the weight', () => {
    const some: Some = [target(1, 3, 1), target(2, 8, 4)]
    assert.equal(balancers['least-connections']().pick(some, nobody).id, 2)
  })
  it('goes round among equals', () => {
    const balancer = balancers['least-connections']()
    const ids = [1, 2, 3].map(() => balancer.pick(targets(1, 0, 0), nobody).id)
    assert.deepEqual(ids, [2, 3, 2])
  })
})

describe('two choices', () => {
  it('never picks the busiest of three, when the other two are idle', () => {
    const balancer = twoChoices(seededRandom(1))
    assert.equal(count(500, () => balancer.pick(targets(9, 0, 0), nobody)).get(1), undefined)
  })
  it('draws two that differ: of two targets it always takes the idle one', () => {
    const balancer = twoChoices(seededRandom(2))
    assert.deepEqual([...count(200, () => balancer.pick(targets(5, 0), nobody))], [[2, 200]])
  })
})

describe('weighted', () => {
  it('gives each its share, spread evenly (5, 1 and 1 of seven)', () => {
    const balancer = balancers.weighted()
    const some: Some = [target(1, 0, 5), target(2), target(3)]
    const ids = Array.from({ length: 7 }, () => balancer.pick(some, nobody).id)
    assert.deepEqual(ids, [1, 1, 2, 1, 3, 1, 1])
  })
})

describe('ewma', () => {
  it('prefers the target that picks up fastest', () => {
    const some: Some = [target(1, 0, 1, 40), target(2, 0, 1, 5), target(3, 0, 1, 12)]
    assert.equal(balancers.ewma().pick(some, nobody).id, 2)
  })
  it('weighs its latency with what it has to do, and with its weight', () => {
    assert.equal(balancers.ewma().pick([target(1, 9, 1, 5), target(2, 0, 1, 40)], nobody).id, 2)
    assert.equal(balancers.ewma().pick([target(1, 0, 4, 40), target(2, 0, 1, 20)], nobody).id, 1)
  })
  it('goes round among those that differ by less than the system does', () => {
    const balancer = balancers.ewma()
    const some: Some = [target(1, 0, 1, 0.02), target(2, 0, 1, 0.9), target(3, 0, 1, 0)]
    assert.deepEqual(
      [1, 2, 3, 4].map(() => balancer.pick(some, nobody).id),
      [1, 2, 3, 1],
    )
  })
  it('never gives a target more than its share by cost: nobody else would have been cheaper', () => {
    fc.assert(
      fc.property(someTargets, (given) => {
        const cost = ({ latency, connections, weight }: Target) =>
          (Math.max(latency, 1) * (connections + 1)) / weight
        const picked = balancers.ewma().pick(given, nobody)
        assert.ok(given.every((other) => cost(picked) <= cost(other)))
      }),
    )
  })
})

describe('fairness', () => {
  for (const name of ['round-robin', 'weighted', 'least-connections', 'ewma'] as const) {
    it(`${name}: of equal targets, each connection kept, none has more than one above another`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 200 }), (size, picks) => {
          const balancer = balancers[name]()
          const open = new Map(Array.from({ length: size }, (_, index) => [index + 1, 0]))
          for (let turn = 0; turn < picks; turn++) {
            const [first, ...rest] = [...open].map(([id, connections]) => target(id, connections))
            assert.ok(first)
            const { id } = balancer.pick([first, ...rest], nobody)
            open.set(id, (open.get(id) ?? 0) + 1)
          }
          assert.ok(Math.max(...open.values()) - Math.min(...open.values()) <= 1, `${[...open]}`)
        }),
      )
    })
  }
  for (const name of names.filter((one) => one !== 'ip-hash')) {
    it(`${name}: one that is new among busy ones gets its share, and not everything`, () => {
      const balancer = balancers[name]()
      const open = new Map([1, 2, 3, 4].map((id) => [id, id === 4 ? 0 : 30]))
      for (let turn = 0; turn < 90; turn++) {
        const [first, ...rest] = [...open].map(([id, connections]) => target(id, connections))
        assert.ok(first)
        const { id } = balancer.pick([first, ...rest], nobody)
        open.set(id, (open.get(id) ?? 0) + 1)
      }
      const fresh = open.get(4) ?? 0
      assert.ok(fresh >= 5 && fresh <= 60, `${[...open]}`)
    })
  }
})

describe('the load of a target', () => {
  it('is what it has told, and what was sent to it since', () => {
    const load = new Load(1, () => 0)
    load.sending()
    load.sending()
    load.sending()
    load.declined()
    assert.equal(load.connections, 2)
    load.report(1, 2)
    assert.equal(load.connections, 1)
    load.sending()
    assert.equal(load.connections, 2)
  })
  it('remembers a peak at once, and forgets it with time, measured or not', () => {
    let now = 0
    const load = new Load(1, () => now)
    load.pickedUp(2)
    load.pickedUp(200)
    assert.equal(load.latency, 200)
    now = 1000
    load.pickedUp(2)
    assert.ok(load.latency > 150 && load.latency < 200, `${load.latency}`)
    now = 60_000
    assert.ok(load.latency < 1, `${load.latency}`)
  })
})

describe('random', () => {
  it('takes the place that the number falls into', () => {
    for (const [number, id] of [
      [0, 1],
      [0.34, 2],
      [0.999, 3],
    ] as const) {
      assert.equal(random(() => number).pick(targets(0, 0, 0), nobody).id, id)
    }
  })
})

describe('ip hash', () => {
  const addresses = Array.from({ length: 1000 }, (_, index) => `192.168.${index >> 8}.${index & 255}`)
  it('sends the same address to the same target, in whatever order they are given', () => {
    const some = targets(0, 5, 2, 1)
    const turned = some.toReversed() as unknown as Some
    for (const remoteAddress of addresses) {
      const first = balancers['ip-hash']().pick(some, { remoteAddress })
      assert.equal(balancers['ip-hash']().pick(turned, { remoteAddress }), first)
    }
  })
  it('moves only the clients of the target that leaves', () => {
    const balancer = balancers['ip-hash']()
    const four = targets(0, 0, 0, 0)
    const three = four.filter(({ id }) => id !== 3) as unknown as Some
    for (const remoteAddress of addresses) {
      const before = balancer.pick(four, { remoteAddress }).id
      if (before !== 3) assert.equal(balancer.pick(three, { remoteAddress }).id, before)
    }
  })
})

it('names are told from other words', () => {
  const words: unknown[] = ['round-robin', 'toString', '', 2, undefined]
  assert.deepEqual(words.filter(isBalancerName) satisfies BalancerName[], ['round-robin'])
})
