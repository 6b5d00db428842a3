// What has to happen so that the apps that run become those that are wanted: the differences, and what each of them takes.
import { startOrder } from '../supervisor/start-order.ts'
import type { AppSpec } from './app-spec.ts'
import { type Difference, differencesOf, type How } from './spec-difference.ts'

export interface RunningApp {
  readonly spec: AppSpec
  /** How many workers it is to have now; `brood scale` may have changed it. */
  readonly size: number
  /** `failed`: given up, and so to be tried again. */
  readonly wanted: 'running' | 'stopped' | 'failed'
}

export type AppPlan = { readonly name: string } & (
  | { readonly action: 'start'; readonly spec: AppSpec }
  | { readonly action: 'unchanged' | 'stays' | 'remove' }
  | {
      readonly action: 'change'
      readonly spec: AppSpec
      /** The strongest of what its differences take. */
      readonly how: How
      /** How many workers, where that differs. */
      readonly scale: number | undefined
      readonly changes: readonly Difference[]
    }
)

export type Plan = readonly AppPlan[]

/** From the gentlest to the strongest; each does what those before it do. */
const strength: readonly How[] = ['scale', 'live', 'reload', 'restart']

/**
 * In the order in which it is to be done: apps before those that depend on them. What runs and is not wanted stays, or with
 * `prune` is removed: first, if somebody else is to have its port, else last.
 */
export function planChanges(
  running: readonly RunningApp[],
  wanted: readonly AppSpec[],
  options: { prune?: boolean } = {},
): Plan {
  const order = startOrder(wanted).flat()
  const inOrder = wanted.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
  const kept = inOrder.map((spec) =>
    planOf(
      running.find((app) => app.spec.name === spec.name),
      spec,
    ),
  )
  const others = running.filter(({ spec }) => !order.includes(spec.name)).map(({ spec }) => spec)
  if (!options.prune) return [...kept, ...others.map(({ name }) => ({ name, action: 'stays' as const }))]

  const ports = new Set(wanted.flatMap(({ port }) => (port === undefined || port === 0 ? [] : [port])))
  // Those that depend on others end before them.
  const ending = startOrder(others)
    .flat()
    .reverse()
    .flatMap((name) => others.find((spec) => spec.name === name) ?? [])
  const isInTheWay = ({ port }: AppSpec): boolean => port !== undefined && ports.has(port)
  const remove = ({ name }: AppSpec): AppPlan => ({ name, action: 'remove' })
  return [
    ...ending.filter(isInTheWay).map(remove),
    ...kept,
    ...ending.filter((spec) => !isInTheWay(spec)).map(remove),
  ]
}

function planOf(running: RunningApp | undefined, spec: AppSpec): AppPlan {
  const { name } = spec
  if (running === undefined || running.wanted === 'stopped') return { name, action: 'start', spec }
  const differences = differencesOf(running.spec, spec)
  const scale = running.size === spec.workers ? undefined : spec.workers
  const changes = [
    ...(running.wanted === 'failed'
      ? [{ path: 'status', from: 'failed', to: 'running', takes: 'restart' as const }]
      : []),
    ...(scale === undefined
      ? []
      : [{ path: 'workers', from: running.size, to: scale, takes: 'scale' as const }]),
    ...differences,
  ]
  if (changes.length === 0) return { name, action: 'unchanged' }
  const how = strength.findLast((one) => changes.some(({ takes }) => takes === one)) ?? 'live'
  return { name, action: 'change', spec, how, scale, changes }
}
