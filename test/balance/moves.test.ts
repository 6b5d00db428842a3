// Which open connections are to move: an even spread with as few moves as it takes, and no move that is taken back.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Move, planMoves, type Share } from '../../src/balance/index.ts'

const most = 500

function shares(...connections: number[]): Share[] {
  return connections.map((count, id) => ({ id, connections: count, weight: 1, gives: true }))
}

function after(before: readonly Share[], moves: readonly Move[]): Share[] {
  const change = (id: number): number =>
    moves.reduce((sum, { from, to, count }) => sum + (to === id ? count : 0) - (from === id ? count : 0), 0)
  return before.map((one) => ({ ...one, connections: one.connections + change(one.id) }))
}

/** Rounds until nothing is to move any more; the moves of each. */
function settle(before: readonly Share[], mostOfEach: number): { end: readonly Share[]; rounds: Move[][] } {
  const rounds: Move[][] = []
  let end = before
  for (;;) {
    const moves = planMoves(end, mostOfEach)
    if (moves.length === 0) return { end, rounds }
    rounds.push(moves)
    end = after(end, moves)
    assert.ok(rounds.length < 10_000, `it does not end: ${JSON.stringify(before)}`)
  }
}

function fairOf(all: readonly Share[], { weight }: Share): number {
  const total = all.reduce((sum, { connections }) => sum + connections, 0)
  return (total * weight) / all.reduce((sum, one) => sum + one.weight, 0)
}

const some = (gives: fc.Arbitrary<boolean>, weight: fc.Arbitrary<number>): fc.Arbitrary<Share[]> =>
  fc
    .array(fc.record({ connections: fc.nat(3000), weight, gives }), { minLength: 1, maxLength: 16 })
    .map((all) => all.map((one, id) => ({ id, ...one })))

const alike = some(fc.constant(true), fc.constant(1))
const weighted = some(fc.constant(true), fc.integer({ min: 1, max: 5 }))
const mixed = some(fc.boolean(), fc.integer({ min: 1, max: 5 }))

describe('planned moves', () => {
  it('fill a new worker from the others', () => {
    assert.deepEqual(planMoves(shares(60, 0, 0), most), [
      { from: 0, to: 1, count: 20 },
      { from: 0, to: 2, count: 20 },
    ])
  })
  it('are none where nobody is further from its share than is worth a move', () => {
    for (const even of [shares(), shares(7), shares(0, 0), shares(3, 1, 1), shares(105, 100, 95)])
      assert.deepEqual(planMoves(even, most), [])
  })
  it('are worth it for one that has fewer than its share, too', () => {
    assert.notDeepEqual(planMoves(shares(...Array<number>(63).fill(100), 0), most), [])
  })
  it('go by weight', () => {
    const [heavy, light] = shares(0, 40)
    assert.ok(heavy && light)
    assert.deepEqual(planMoves([{ ...heavy, weight: 3 }, light], most), [{ from: 1, to: 0, count: 30 }])
  })
  it('take no more from each at a time than is allowed', () => {
    assert.deepEqual(planMoves(shares(1000, 0), 100), [{ from: 0, to: 1, count: 100 }])
  })
  it('spread the rest evenly where one has many that cannot move', () => {
    const [stuck, ...rest] = shares(1000, 100, 0, 20)
    assert.ok(stuck)
    const { end } = settle([{ ...stuck, gives: false }, ...rest], most)
    assert.deepEqual(
      end.map(({ connections }) => connections),
      [1000, 40, 40, 40],
    )
  })
  it('bring everybody to its share, whatever it was before', () => {
    fc.assert(
      fc.property(weighted, fc.integer({ min: 1, max: 500 }), (before, mostOfEach) => {
        const { end } = settle(before, mostOfEach)
        for (const one of end) {
          const fair = fairOf(before, one)
          const off = Math.abs(one.connections - fair)
          assert.ok(off <= Math.max(2, 0.05 * fair), `${one.connections} where ${fair} would be fair`)
        }
      }),
    )
  })
  it('leave the busiest of equals with at most 1.1 of the mean, or two more where that is less than two', () => {
    fc.assert(
      fc.property(alike, (before) => {
        const { end } = settle(before, most)
        const [first = before[0]] = end
        assert.ok(first)
        const mean = fairOf(before, first)
        const busiest = Math.max(...end.map(({ connections }) => connections))
        assert.ok(busiest <= Math.max(1.1 * mean, mean + 2), `${busiest}, the mean is ${mean}`)
      }),
    )
  })
  it('never go to and fro: who gives takes nothing, in no round', () => {
    fc.assert(
      fc.property(mixed, fc.integer({ min: 1, max: 500 }), (before, mostOfEach) => {
        const moves = settle(before, mostOfEach).rounds.flat()
        const giving = new Set(moves.map(({ from }) => from))
        assert.ok(moves.every(({ to }) => !giving.has(to)))
      }),
    )
  })
  it('are as few as it takes: nobody gives more than what is above its share', () => {
    fc.assert(
      fc.property(weighted, (before) => {
        const { end, rounds } = settle(before, most)
        for (const { id, connections } of before) {
          const gone = connections - (end.find((one) => one.id === id)?.connections ?? 0)
          const share = fairOf(before, before[id] ?? before[0] ?? assert.fail())
          if (rounds.length > 0 && gone > 0) assert.ok(gone <= connections - Math.floor(share))
        }
      }),
    )
  })
  it('take nothing from who cannot give, nothing that is not there, and at most so many of each', () => {
    fc.assert(
      fc.property(mixed, fc.integer({ min: 1, max: 500 }), (before, mostOfEach) => {
        const moves = planMoves(before, mostOfEach)
        for (const { id, gives, connections } of before) {
          const given = moves.filter(({ from }) => from === id).reduce((sum, { count }) => sum + count, 0)
          assert.ok(given <= (gives ? Math.min(connections, mostOfEach) : 0))
        }
        assert.ok(moves.every(({ from, to, count }) => from !== to && count > 0))
      }),
    )
  })
})
