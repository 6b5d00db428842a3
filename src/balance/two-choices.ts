// Two choices: the less busy of two drawn at random (Mitzenmacher, "The Power of Two Choices", 2001): nearly as even as
// asking everybody, at the cost of asking two.
import type { Balancer, Random } from './balancer.ts'

export function twoChoices(next: Random = Math.random): Balancer {
  return {
    pick(targets) {
      const first = Math.floor(next() * targets.length)
      // Drawn from the others, so that the two differ whenever there are two.
      const second = (first + 1 + Math.floor(next() * (targets.length - 1))) % targets.length
      const one = targets[first] ?? targets[0]
      const other = targets[second] ?? targets[0]
      return other.connections / other.weight < one.connections / one.weight ? other : one
    },
  }
}
