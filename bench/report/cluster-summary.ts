// Condenses the raw rounds of the cluster benchmark: ratios within a round first, then median and spread.
import type { RequestRound } from '../measures/requests.ts'
import type { Connections } from '../measures/wrk.ts'
import { type Spread, spread } from './statistics.ts'

export const reference = 'bare'

type Rounds = readonly RequestRound[]

/**
 * Cost per request of `contestant` divided by that of `to` in the same round: what disturbed the machine during a
 * round raised both. Undefined when one of the two was not measured.
 */
export function costRatio(
  rounds: Rounds,
  connections: Connections,
  contestant: string,
  to: string,
): Spread | undefined {
  const divisors = new Map(
    ofContestant(rounds, connections, to).map((one) => [one.round, one.microsecondsPerRequest]),
  )
  const ratios = ofContestant(rounds, connections, contestant).flatMap(
    ({ round, microsecondsPerRequest }) => {
      const divisor = divisors.get(round)
      return divisor === undefined ? [] : [microsecondsPerRequest / divisor]
    },
  )
  return ratios.length === 0 ? undefined : spread(ratios)
}

function ofContestant(rounds: Rounds, connections: Connections, contestant: string): Rounds {
  return rounds.filter((one) => one.connections === connections && one.contestant === contestant)
}

/** The values of `list` by their name, in order of first appearance. */
export function groupBy<Item, Name>(list: readonly Item[], name: (item: Item) => Name): [Name, Item[]][] {
  return [...Map.groupBy(list, name)]
}
