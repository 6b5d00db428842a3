// Random: any of them, with equal chance.
import type { Balancer, Random } from './balancer.ts'

export function random(next: Random = Math.random): Balancer {
  return { pick: (targets) => targets[Math.floor(next() * targets.length)] ?? targets[0] }
}
