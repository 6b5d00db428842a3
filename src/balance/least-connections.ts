// Least connections: whoever has the fewest for its weight; among equals, in turn.
import type { Balancer } from './balancer.ts'
import { roundRobin } from './round-robin.ts'

export function leastConnections(): Balancer {
  const turn = roundRobin()
  return {
    pick(targets, arrival) {
      const least = Math.min(...targets.map((target) => target.connections / target.weight))
      const [first, ...rest] = targets.filter((target) => target.connections / target.weight === least)
      return turn.pick(first === undefined ? targets : [first, ...rest], arrival)
    },
  }
}
