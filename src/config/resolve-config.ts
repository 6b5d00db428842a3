// From a whole configuration to the descriptions of its apps, with what must hold between them.
import * as v from 'valibot'
import { BroodError } from '../kernel/errors.ts'
import { isOutside, startOrder } from '../supervisor/start-order.ts'
import { type AppSpec, appName } from './app-spec.ts'
import { checkInput } from './check-input.ts'
import { type CheckedConfig, configInput } from './config-input.ts'
import { nearestKey } from './nearest-key.ts'
import { type Origin, type Path, refusal } from './origin.ts'
import { resolveApp } from './resolve-app.ts'
import type { Variables } from './written.ts'

export interface Choices {
  /** The variables of whoever asks. */
  readonly environment: NodeJS.ProcessEnv
  /** Which of each app's `envs` is laid over its `env`. */
  readonly envName?: string | undefined
  /** Laid over everything, in every app. */
  readonly lastVariables?: Variables | undefined
}

/** Every app of a configuration, in the order of the file. Throws a BroodError that names file and field. */
export function resolveConfig(input: unknown, origin: Origin, choices: Choices): AppSpec[] {
  const config = checkInput(configInput, input, origin)
  assertLayer(config, origin, choices.envName)
  const groups = groupsOf(config, origin)
  const specs = config.apps.map((app, index) =>
    resolveApp(app, { ...choices, origin, path: ['apps', index], hooks: config.hooks }),
  )
  assertNames(specs, origin)
  assertPorts(specs, origin)
  assertDependencies(specs, origin)
  assertGroups(groups, specs, origin)
  return specs.map((spec) => {
    const group = groups.find(({ apps }) => apps.includes(spec.name))
    return group === undefined ? spec : { ...spec, group: { name: group.name, strategy: group.strategy } }
  })
}

interface Group {
  readonly name: string
  readonly strategy: NonNullable<AppSpec['group']>['strategy']
  readonly apps: readonly string[]
}

function groupsOf(config: CheckedConfig, origin: Origin): Group[] {
  return Object.entries(config.groups ?? {}).map(([name, { strategy = 'one-for-all', apps }]) => {
    if (v.is(appName, name)) return { name, strategy, apps }
    throw refused(
      origin,
      ['groups', name],
      'is no name of a group: use letters, digits, dots, dashes and underscores',
    )
  })
}

function assertGroups(groups: readonly Group[], specs: readonly AppSpec[], origin: Origin): void {
  const taken = new Map<string, string>()
  for (const { name, apps } of groups) {
    for (const [index, app] of apps.entries()) {
      const path = ['groups', name, 'apps', index]
      if (!specs.some((spec) => spec.name === app)) throw unknownApp(origin, path, app, specs)
      const other = taken.get(app)
      if (other !== undefined)
        throw refused(origin, path, `an app is in one group, this one is in '${other}'`, app)
      taken.set(app, name)
    }
  }
}

/** A layer that no app has is a slip, unless no app has layers at all: then only a function in the file looks at the name. */
function assertLayer(config: CheckedConfig, origin: Origin, envName: string | undefined): void {
  const names = [...new Set(config.apps.flatMap(({ envs }) => Object.keys(envs ?? {})))]
  if (envName === undefined || names.length === 0 || names.includes(envName)) return
  throw new BroodError(
    'usage',
    `--env-name ${envName}: ${origin.describe({ path: [], says: `has no such envs, but ${names.join(', ')}` })}`,
  )
}

function assertNames(specs: readonly AppSpec[], origin: Origin): void {
  for (const [index, { name }] of specs.entries()) {
    const first = specs.findIndex((spec) => spec.name === name)
    if (first < index)
      throw refused(
        origin,
        ['apps', index],
        `has the same name as apps[${first}], '${name}': give it another 'name'`,
      )
  }
}

interface Taken {
  readonly app: number
  readonly field: 'port' | 'ports'
  /** Undefined: all addresses of the machine. */
  readonly host: string | undefined
  readonly from: number
  readonly to: number
}

/** An app's port, and those of its workers where they have their own. */
function takenBy({ port, ports, maxWorkers }: AppSpec, app: number): Taken[] {
  const from = ports?.from
  return [
    ...(port === undefined || port === 0
      ? []
      : [{ app, field: 'port' as const, host: undefined, from: port, to: port }]),
    ...(from === undefined
      ? []
      : [{ app, field: 'ports' as const, host: ports?.host, from, to: from + maxWorkers - 1 }]),
  ]
}

function assertPorts(specs: readonly AppSpec[], origin: Origin): void {
  const all = specs.flatMap(takenBy)
  for (const [index, one] of all.entries()) {
    const other = all.slice(0, index).find((before) => before.app !== one.app && isShared(before, one))
    if (other === undefined) continue
    const name = specs[other.app]?.name
    const what = other.field === 'port' ? 'that port' : `the ports ${other.from} to ${other.to}`
    throw refused(
      origin,
      ['apps', one.app, one.field],
      one.field === 'port'
        ? `'${name}' has ${what}, write another`
        : `'${name}' has ${other.field === 'port' ? `port ${other.from}` : what}, and these are ${one.from} to ${one.to}: begin elsewhere`,
      one.from,
    )
  }
}

function isShared(one: Taken, other: Taken): boolean {
  const isSameHost = one.host === undefined || other.host === undefined || one.host === other.host
  return isSameHost && one.from <= other.to && other.from <= one.to
}

function assertDependencies(specs: readonly AppSpec[], origin: Origin): void {
  for (const [index, { dependsOn }] of specs.entries()) {
    for (const name of dependsOn) {
      if (isOutside(name) || specs.some((spec) => spec.name === name)) continue
      throw unknownApp(origin, ['apps', index, 'dependsOn'], name, specs)
    }
  }
  try {
    startOrder(specs)
  } catch (error) {
    if (!(error instanceof BroodError)) throw error
    throw refused(origin, ['apps'], `are in a circle, ${error.message}`)
  }
}

function unknownApp(origin: Origin, path: Path, name: string, specs: readonly AppSpec[]): BroodError {
  const names = specs.map((spec) => spec.name)
  const nearest = nearestKey(name, names)
  const hint = nearest === undefined ? `there are ${names.join(', ')}` : `did you mean '${nearest}'?`
  return refused(origin, path, `no app has that name, ${hint}`, name)
}

function refused(origin: Origin, path: Path, says: string, value?: unknown): BroodError {
  return refusal(origin, [{ path, says, value }])
}
