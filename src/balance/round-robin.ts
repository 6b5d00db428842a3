// Round robin: one after the other, in the order of their ids.
import type { Balancer, Target } from './balancer.ts'

export function roundRobin(): Balancer {
  let last = Number.NEGATIVE_INFINITY
  return {
    pick(targets) {
      // By id and not by place: targets come and go, and none may be passed over because another left.
      const next = lowestAbove(targets, last) ?? lowestAbove(targets, Number.NEGATIVE_INFINITY) ?? targets[0]
      last = next.id
      return next
    },
  }
}

function lowestAbove(targets: readonly Target[], floor: number): Target | undefined {
  let found: Target | undefined
  for (const target of targets) {
    if (target.id > floor && (found === undefined || target.id < found.id)) found = target
  }
  return found
}
