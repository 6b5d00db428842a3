// Apps that fall and rise together: when one goes down, which others are ended, and brought back after it.
import type { AppSpec } from '../config/app-spec.ts'
import { startOrder } from '../supervisor/start-order.ts'

/** Those that follow `fallen`, in the order in which they start; Erlang/OTP's strategies. */
export function followersOf(fallen: AppSpec, apps: readonly AppSpec[]): string[] {
  const { group, name } = fallen
  if (group === undefined || group.strategy === 'one-for-one') return []
  const members = apps.filter((app) => app.group?.name === group.name)
  const order = startOrder(members).flat()
  if (group.strategy === 'one-for-all') return order.filter((one) => one !== name)
  return order.slice(order.indexOf(name) + 1)
}
