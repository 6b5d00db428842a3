// Scheduling policies: Node's two by number, brood's slots, and every balancing algorithm by name.
import {
  type Balancer,
  type BalancerName,
  balancers,
  countsConnections as counts,
  isBalancerName,
} from '../balance/index.ts'
import { BroodError } from '../kernel/errors.ts'

/** Left to the system: all workers accept from one socket. */
export const SCHED_NONE = 1
/** The primary accepts and goes round. */
export const SCHED_RR = 2
/** A socket for each worker, spread by the kernel; Linux only, TCP only. */
export const SCHED_SLOTS = 3

export type SchedulingPolicy =
  | typeof SCHED_NONE
  | typeof SCHED_RR
  | typeof SCHED_SLOTS
  | BalancerName
  | (() => Balancer)

/** `NODE_CLUSTER_SCHED_POLICY`: rr, none, slots or the name of an algorithm; round robin unless it says otherwise. */
export function policyOf(environment: NodeJS.ProcessEnv): SchedulingPolicy {
  const name = environment.NODE_CLUSTER_SCHED_POLICY
  if (name === 'none') return SCHED_NONE
  if (name === 'slots') return SCHED_SLOTS
  if (isBalancerName(name)) return name
  return name !== 'rr' && process.platform === 'win32' ? SCHED_NONE : SCHED_RR
}

/** Whether a policy chooses by how many connections each worker has; a worker then has to tell. */
export function countsConnections(policy: SchedulingPolicy): boolean {
  return typeof policy === 'function' || (isBalancerName(policy) && counts(policy))
}

/** The algorithm of a policy, or undefined when the primary does not choose. Throws for what is no policy. */
export function algorithmOf(policy: SchedulingPolicy): BalancerName | (() => Balancer) | undefined {
  if (policy === SCHED_NONE || policy === SCHED_SLOTS) return undefined
  if (policy === SCHED_RR) return 'round-robin'
  if (typeof policy === 'function' || isBalancerName(policy)) return policy
  const names = Object.keys(balancers).join(', ')
  throw new BroodError(
    'usage',
    `schedulingPolicy ${String(policy)}: use SCHED_NONE, SCHED_RR, SCHED_SLOTS or one of ${names}`,
  )
}
