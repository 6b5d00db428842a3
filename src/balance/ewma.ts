// EWMA: whoever has picked up its last connections fastest, for what it has to do already; among equals, in turn.
import type { Balancer, Target } from './balancer.ts'
import { roundRobin } from './round-robin.ts'

/**
 * Latencies below this are all the same, in milliseconds: they tell of the system's scheduling, not of the target. Without
 * a floor the one that was a hair faster would get everything until it was no longer.
 */
const noise = 1

/** The cost of a target is its latency times the connections it would have (Finagle's "peak EWMA"), for its weight. */
export function ewma(): Balancer {
  const turn = roundRobin()
  return {
    pick(targets, arrival) {
      const least = Math.min(...targets.map(costOf))
      const [first, ...rest] = targets.filter((target) => costOf(target) === least)
      return turn.pick(first === undefined ? targets : [first, ...rest], arrival)
    },
  }
}

function costOf({ latency, connections, weight }: Target): number {
  return (Math.max(latency, noise) * (connections + 1)) / weight
}
