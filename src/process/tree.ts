// The processes below a process, found by their parents' numbers, and told apart from later ones of the same number.
import { spawnSync } from 'node:child_process'
import { systemCode } from '../kernel/errors.ts'
import { processes, statFields } from './proc.ts'

export interface TreeProcess {
  readonly pid: number
  readonly group: number
  /** Changes when the number is given to another process. */
  readonly started: string
}

interface Row extends TreeProcess {
  readonly parent: number
}

/** Everything below `roots`, which are not in the result themselves. */
export function descendantsOf(roots: readonly number[]): TreeProcess[] {
  const rows = table()
  const found = new Map<number, TreeProcess>()
  const known = new Set(roots)
  // Parents need not come before their children in the table: again until nothing is new.
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const row of rows) {
      if (known.has(row.pid) || !known.has(row.parent)) continue
      known.add(row.pid)
      found.set(row.pid, row)
    }
  }
  return [...found.values()]
}

/** Undefined where only a zombie could tell: nobody but Linux says so cheaply. */
export function hasLiveMembers(group: number): boolean | undefined {
  return process.platform === 'linux' ? table().some((row) => row.group === group) : undefined
}

/** False for a zombie too: it does nothing more, and only its parent can remove it. */
export function isAlive(member: TreeProcess): boolean {
  if (process.platform !== 'linux') return signalProcess(member.pid, 0)
  const row = rowOf(member.pid)
  return row !== undefined && row.started === member.started
}

/** False when there is no such process. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false
    if (systemCode(error) === 'EPERM') return true // of another user; it is there
    throw error
  }
}

function table(): Row[] {
  if (process.platform === 'linux') return processes().flatMap((pid) => rowOf(pid) ?? [])
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat='], {
    encoding: 'utf8',
    timeout: 5000,
  })
  return (stdout ?? '').split('\n').flatMap((line) => {
    const [pid, parent, group, state] = line.trim().split(/\s+/)
    if (pid === undefined || state === undefined || state.startsWith('Z')) return []
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), started: '' }]
  })
}

function rowOf(pid: number): Row | undefined {
  const fields = statFields(pid)
  const [state, parent, group] = fields
  const started = fields[19]
  if (started === undefined || state === 'Z' || state === 'X') return undefined
  return { pid, parent: Number(parent), group: Number(group), started }
}
