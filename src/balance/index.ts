// The balancing algorithms by name.
import type { Balancer } from './balancer.ts'
import { ewma } from './ewma.ts'
import { ipHash } from './ip-hash.ts'
import { leastConnections } from './least-connections.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { twoChoices } from './two-choices.ts'
import { weighted } from './weighted.ts'

export type { Balancer, Target } from './balancer.ts'
export { Load } from './load.ts'
export { type Move, planMoves, type Share } from './moves.ts'

export const balancers = {
  'round-robin': roundRobin,
  'least-connections': leastConnections,
  'two-choices': twoChoices,
  weighted,
  random,
  'ip-hash': ipHash,
  ewma,
} satisfies Record<string, () => Balancer>

export type BalancerName = keyof typeof balancers

export const balancerNames = Object.keys(balancers) as BalancerName[] // the keys are those of the table

export function isBalancerName(name: unknown): name is BalancerName {
  return typeof name === 'string' && Object.hasOwn(balancers, name)
}

/** Whether an algorithm chooses by how many connections each target has; the targets then have to tell. */
export function countsConnections(name: BalancerName): boolean {
  return name === 'least-connections' || name === 'two-choices' || name === 'ewma'
}

/** Whether a connection waits for the target that was chosen, even if others are free. */
export function isSticky(name: BalancerName): boolean {
  return name === 'ip-hash'
}
