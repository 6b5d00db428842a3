// How many files and processes the supervisor may have, and how many its apps need.
import { type Finding, notice, ok, type Patient, problem } from './finding.ts'

/** The supervisor's own: its socket, files, event loop. */
const ownDescriptors = 60
/** Each worker: its channel, Node's IPC, and while it starts its log files. */
const perWorker = 6
/** Enough for a few apps with 64 slots each. */
const plenty = 4096
/** A Node program has some eleven threads, and the kernel counts them all. */
const perWorkerThreads = 12

export function checkDescriptors({ system, supervisor, apps }: Patient): Finding[] {
  const hard = limitOf(system.read(`/proc/${supervisor?.pid ?? 'self'}/limits`), 'Max open files')
  if (hard === undefined) return []
  const needed = apps.reduce(
    (sum, { spec, addresses, size }) => sum + addresses.length * spec.maxWorkers + size * perWorker,
    ownDescriptors,
  )
  const whose = supervisor === undefined ? 'a supervisor started here' : 'the supervisor'
  const mend =
    "under systemd LimitNOFILE=524288 ('brood startup' sets it), else a line 'nofile' in /etc/security/limits.conf"
  if (needed > hard)
    return [problem('files', `${whose} may open ${hard} files, its apps need ${needed}`, mend)]
  if (hard < plenty) return [notice('files', `${whose} may open only ${hard} files`, mend)]
  return [ok('files', `${whose} may open ${hard} files; its apps need ${needed}`)]
}

export function checkProcesses({ system, supervisor, apps }: Patient): Finding[] {
  // The limit does not hold for root.
  if (system.uid === 0) return []
  const hard = limitOf(system.read(`/proc/${supervisor?.pid ?? 'self'}/limits`), 'Max processes')
  if (hard === undefined) return []
  const needed = apps.reduce((sum, { size }) => sum + (size + 1) * perWorkerThreads, 100)
  if (needed <= hard)
    return [ok('processes', `${hard} processes and threads are allowed, the apps need some ${needed}`)]
  return [
    problem(
      'processes',
      `${hard} processes and threads are allowed, the apps need some ${needed}`,
      "raise 'nproc' in /etc/security/limits.conf, or TasksMax= of the unit",
    ),
  ]
}

/** The hard limit: Node raises the soft one to it by itself. */
function limitOf(limits: string, name: string): number | undefined {
  const value = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(limits)?.[1]
  if (value === undefined) return undefined
  return value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value)
}
