// Smooth weighted round robin, as nginx does it: each target gets its share, spread evenly and not in bursts.
import type { Balancer, Target } from './balancer.ts'

export function weighted(): Balancer {
  /** Target id → what it is owed. */
  const owed = new Map<number, number>()
  return {
    pick(targets) {
      let total = 0
      let best: Target = targets[0]
      for (const target of targets) {
        total += target.weight
        const due = (owed.get(target.id) ?? 0) + target.weight
        owed.set(target.id, due)
        if (due > (owed.get(best.id) ?? 0)) best = target
      }
      owed.set(best.id, (owed.get(best.id) ?? 0) - total)
      if (owed.size > targets.length) forgetAbsent(owed, targets)
      return best
    },
  }
}

function forgetAbsent(owed: Map<number, number>, targets: readonly Target[]): void {
  const present = new Set(targets.map(({ id }) => id))
  for (const id of owed.keys()) if (!present.has(id)) owed.delete(id)
}
