// Which of the connections that are open already would have to change their target for an even spread.

/** What a target has, and is to have. */
export interface Share {
  readonly id: number
  /** Open there, and on the way to it. */
  readonly connections: number
  /** Its share, relative to the others; 1 is usual. */
  readonly weight: number
  /** Whether some of its connections can be moved; it takes others in any case. */
  readonly gives: boolean
}

export interface Move {
  readonly from: number
  readonly to: number
  readonly count: number
}

/** A difference that is not worth a move: connections, and as a part of the fair share. */
const tolerated = { connections: 2, part: 0.05 }

/**
 * Nothing while nobody is further from its fair share than is tolerated; otherwise what brings all of them to it, at most so many
 * from each. Who gives has more than its share and gives no more than what is above it, and nobody is brought above it: so when
 * nothing else changes, a second plan goes on where the first one ended, and a third never takes back.
 */
export function planMoves(shares: readonly Share[], mostOfEach: number): Move[] {
  const able = withoutStuck(shares)
  const fair = fairShares(able)
  const isFar = ({ id, connections }: Share): boolean => {
    const ideal = fair.get(id) ?? 0
    return Math.abs(connections - ideal) > Math.max(tolerated.connections, tolerated.part * ideal)
  }
  if (!able.some(isFar)) return []
  const goals = wholeShares(able, fair)
  const missing = able.map((one) => ({ id: one.id, count: (goals.get(one.id) ?? 0) - one.connections }))
  const takers = missing.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count)
  const moves: Move[] = []
  for (const { id: from, connections, gives } of able.toSorted((a, b) => b.connections - a.connections)) {
    let left = gives ? Math.min(mostOfEach, connections - (goals.get(from) ?? 0)) : 0
    for (const taker of takers) {
      const count = Math.min(left, taker.count)
      if (count <= 0) continue
      moves.push({ from, to: taker.id, count })
      taker.count -= count
      left -= count
    }
  }
  return moves
}

/** Who has more than its share and cannot give any of it is no part of what can be evened out. */
function withoutStuck(shares: readonly Share[]): readonly Share[] {
  const fair = fairShares(shares)
  const rest = shares.filter(({ id, connections, gives }) => gives || connections <= (fair.get(id) ?? 0))
  return rest.length === shares.length ? shares : withoutStuck(rest)
}

function fairShares(shares: readonly Share[]): Map<number, number> {
  const total = shares.reduce((sum, { connections }) => sum + connections, 0)
  const weights = shares.reduce((sum, { weight }) => sum + weight, 0)
  return new Map(shares.map(({ id, weight }) => [id, (total * weight) / weights]))
}

/** In whole connections; what remains stays where there is most already, so that nothing moves for a rounding. */
function wholeShares(shares: readonly Share[], fair: ReadonlyMap<number, number>): Map<number, number> {
  const goals = new Map([...fair].map(([id, ideal]) => [id, Math.floor(ideal)]))
  const total = shares.reduce((sum, { connections }) => sum + connections, 0)
  const rest = total - [...goals.values()].reduce((sum, goal) => sum + goal, 0)
  const above = ({ id, connections }: Share): number => connections - (goals.get(id) ?? 0)
  const byNeed = shares.toSorted((a, b) => above(b) - above(a))
  for (const { id } of byNeed.slice(0, rest)) goals.set(id, (goals.get(id) ?? 0) + 1)
  return goals
}
