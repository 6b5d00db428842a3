// What an earlier supervisor left behind: workers that live and can be taken back, and remains of dead ones that have to go.
import { type Clock, type Millis, steadyClock } from '../kernel/clock.ts'
import { processes, read, statFields } from '../process/proc.ts'
import { endGroup } from '../process/process-group.ts'
import { signalProcess } from '../process/tree.ts'
import type { Survivor } from '../supervisor/returned-worker.ts'
import { type Birth, birthVariable, inheritanceVariable } from '../wire/birth.ts'
import type { Home } from './home.ts'

/** How long processes without a worker above them may take to end. */
const patience: Millis = 5000

export interface FoundWorker extends Survivor {
  readonly birth: Birth
}

/** The living workers of this home. Only Linux shows the environment that a process was started with. */
export function findWorkers(home: Home): FoundWorker[] {
  return ofHome(home).flatMap(({ pid, variables, fields }) => {
    const birth = birthOf(variables)
    const [state, , group] = fields
    // A worker leads its group; a process that it forked without exec would show the same environment.
    if (birth === undefined || state === 'Z' || Number(group) !== pid) return []
    return [{ pid, started: fields[19] ?? '', startedAt: startedAt(fields), birth }]
  })
}

/** Ends what workers that are gone have left in their groups. */
export async function endRemains(home: Home, workers: readonly FoundWorker[], clock: Clock): Promise<void> {
  const living = new Set([...workers.map(({ pid }) => pid), ...ownGroups()])
  const groups = new Set(
    ofHome(home)
      .filter(({ variables }) => variables.some((one) => one.startsWith('BROOD_SLOT=')))
      // This supervisor's own workers may be starting already.
      .filter(({ fields }) => Number(fields[1]) !== process.pid)
      .map(({ fields }) => Number(fields[2]))
      .filter((group) => group > 1 && !living.has(group)),
  )
  await Promise.all([...groups].map((group) => endGroup(group, 'SIGTERM', clock.now() + patience, clock)))
}

/** Ends workers that no supervisor will take back. */
export async function endWorkers(
  workers: readonly FoundWorker[],
  within: Millis,
  clock: Clock,
): Promise<void> {
  await Promise.all(workers.map(({ pid }) => endGroup(pid, 'SIGTERM', clock.now() + within, clock)))
}

/**
 * Ends supervisors that workers, or this one, have started and that are not there yet: when this one is gone, they would find
 * nobody to look after, and on a busy machine that takes them a while.
 */
export function endHeirs(home: Home): void {
  const heirs = ofHome(home).filter(({ variables }) =>
    variables.some((one) => one.startsWith(`${inheritanceVariable}=`)),
  )
  for (const { pid } of heirs) if (pid !== process.pid) signalProcess(pid, 'SIGKILL')
}

interface Row {
  readonly pid: number
  readonly variables: readonly string[]
  readonly fields: readonly string[]
}

function ofHome(home: Home): Row[] {
  return processes().flatMap((pid) => {
    const variables = read(`/proc/${pid}/environ`).split('\0')
    if (!variables.includes(`BROOD_HOME=${home.path}`)) return []
    const fields = statFields(pid)
    return fields.length === 0 ? [] : [{ pid, variables, fields }]
  })
}

function birthOf(variables: readonly string[]): Birth | undefined {
  const text = variables.find((one) => one.startsWith(`${birthVariable}=`))
  if (text === undefined) return undefined
  try {
    // The environment is read byte by byte, and holds UTF-8.
    const json = Buffer.from(text.slice(birthVariable.length + 1), 'latin1').toString('utf8')
    return JSON.parse(json) as Birth // written by a supervisor of this home
  } catch {
    return undefined
  }
}

/** Linux counts the ticks (hundredths of a second) from its boot to the start of a process. */
function startedAt(fields: readonly string[]): Millis {
  const uptime = Number(read('/proc/uptime').split(' ')[0]) * 1000
  return steadyClock.now() - uptime + Number(fields[19]) * 10
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
