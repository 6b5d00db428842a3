// The balancing algorithms by name.
import type { Balancer } from './balancer.ts'
import { ipHash } from './ip-hash.ts'
import { leastConnections } from './least-connections.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { twoChoices } from './two-choices.ts'
import { weighted } from './weighted.ts'

export type { Balancer, Target } from './balancer.ts'

export const balancers = {
  'round-robin': roundRobin,
  'least-connections': leastConnections,
  'two-choices': twoChoices,
  weighted,
  random,
  'ip-hash': ipHash,
} satisfies Record<string, () => Balancer>

export type BalancerName = keyof typeof balancers

export function isBalancerName(name: unknown): name is BalancerName {
  return typeof name === 'string' && Object.hasOwn(balancers, name)
}
