// In which order apps start: each after those it depends on, and side by side where nothing holds them apart.
import { BroodError } from '../kernel/errors.ts'

export interface Dependent {
  readonly name: string
  readonly dependsOn: readonly string[]
}

/**
 * The names in waves: what one wave depends on is in the waves before it. Names that are not among the apps (outside
 * services such as `tcp:db:5432`, or apps that run already) hold nobody up here. Throws when apps wait for each other in a circle.
 */
export function startOrder(apps: readonly Dependent[]): string[][] {
  const waves: string[][] = []
  const known = new Set(apps.map(({ name }) => name))
  const done = new Set<string>()
  let left = apps
  while (left.length > 0) {
    const free = left.filter(({ dependsOn }) => dependsOn.every((name) => done.has(name) || !known.has(name)))
    if (free.length === 0) throw circle(left)
    waves.push(free.map(({ name }) => name))
    for (const { name } of free) done.add(name)
    left = left.filter(({ name }) => !done.has(name))
  }
  return waves
}

/** `tcp:host:port` and `http://…` are services that nobody here starts. */
export function isOutside(dependency: string): boolean {
  return /^(tcp|https?):/.test(dependency)
}

/** Everyone in `left` waits for somebody in it, so whoever follows that trail comes back to where they have been. */
function circle(left: readonly Dependent[]): BroodError {
  const waiting = new Map(left.map((app) => [app.name, app]))
  const trail: string[] = []
  let name = left[0]?.name
  while (name !== undefined && !trail.includes(name)) {
    trail.push(name)
    name = waiting.get(name)?.dependsOn.find((one) => waiting.has(one))
  }
  const round = name === undefined ? trail : [...trail.slice(trail.indexOf(name)), name]
  return new BroodError(
    'usage',
    `${round.join(' → ')}: ${round.length === 2 ? 'an app cannot wait for itself' : 'these apps wait for each other'}, take one of the dependencies away`,
  )
}
