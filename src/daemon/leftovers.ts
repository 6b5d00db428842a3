// Workers of a supervisor that was killed: they finish their work and go by themselves; a new supervisor waits for that.
import type { Clock, Millis } from '../kernel/clock.ts'
import { processes, read, statFields } from '../process/proc.ts'
import { endGroup } from '../process/process-group.ts'
import type { Home } from './home.ts'

/** A little longer than a worker without a supervisor gives itself. */
const patience: Millis = 11_000

/** Until they are gone they hold the addresses of their apps. What is left after its time is killed. */
export async function awaitLeftovers(home: Home, clock: Clock): Promise<void> {
  const own = ownGroups()
  const groups = new Set(workersOf(home).filter((group) => !own.has(group)))
  await Promise.all([...groups].map((group) => endGroup(group, 0, clock.now() + patience, clock)))
}

/** This process, and all it descends from: a supervisor can be started from within a worker's own tree. */
function ownGroups(): Set<number> {
  const groups = new Set<number>()
  for (let pid = process.pid; pid > 1; ) {
    const [, parent, group] = statFields(pid)
    groups.add(Number(group))
    pid = Number(parent ?? 0)
  }
  return groups
}

/** The process groups of this home's workers, told by their environment; only Linux shows it. */
function workersOf(home: Home): number[] {
  return processes().flatMap((pid) => {
    const variables = read(`/proc/${pid}/environ`).split('\0')
    if (!variables.includes(`BROOD_HOME=${home.path}`)) return []
    if (!variables.some((one) => one.startsWith('BROOD_SLOT='))) return []
    const group = Number(statFields(pid)[2])
    return group > 1 ? [group] : []
  })
}
