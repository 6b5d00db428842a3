// Finds the processes that belong to one contestant, reads what they have used, and ends those that stay behind.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export interface ProcessIdentity {
  pid: number
  /** In clock ticks since boot: together with the pid it names one process even after the pid was given out again. */
  startTime: string
}

/**
 * Every live process whose environment or command line contains `mark`, with its descendants.
 * Daemons leave the tree of whoever started them, so parentage alone would miss them; the mark is inherited.
 */
export function markedProcesses(mark: string): ProcessIdentity[] {
  const processes = allProcesses()
  const found = new Set(processes.filter(({ pid }) => carriesMark(pid, mark)).map(({ pid }) => pid))
  let before = -1
  while (before !== found.size) {
    before = found.size
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid)
  }
  return processes.filter(({ pid }) => found.has(pid)).map(({ pid, startTime }) => ({ pid, startTime }))
}

/**
 * Nanoseconds of processor time of all threads of a process, user and system together, as the scheduler counts them.
 * The same sum as utime + stime of /proc/<pid>/stat, which comes in ticks of 10 ms: too coarse for an idle process.
 */
export function processorTime(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onProcessor] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    nanoseconds += Number(onProcessor)
  }
  return nanoseconds
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS: the process has ended`)
  return Number(kilobytes) * 1024
}

/** Waits until nothing carries the mark, then kills what does; returns how many had to be killed. */
export async function endMarked(mark: string, patience: number): Promise<number> {
  const deadline = performance.now() + patience
  while (markedProcesses(mark).length > 0 && performance.now() < deadline) await delay(50)

  const killed = new Set<string>()
  // A supervisor that repairs itself may start another process between the look and the kill: hence several passes.
  for (let pass = 0; pass < 20; pass++) {
    const left = markedProcesses(mark)
    if (left.length === 0) break
    for (const identity of left) {
      killed.add(`${identity.pid} ${identity.startTime}`)
      kill(identity)
    }
    await delay(50)
  }
  return killed.size
}

function kill({ pid, startTime }: ProcessIdentity): void {
  if (readStat(pid)?.startTime !== startTime) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself between the look and the kill.
  }
}

function allProcesses(): (ProcessIdentity & { parent: number })[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? [])
}

function readStat(pid: number): (ProcessIdentity & { parent: number }) | undefined {
  const text = readProcessFile(pid, 'stat')
  // The second field is the program's name in brackets and may itself contain blanks and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const startTime = fields[19]
  if (state === undefined || parent === undefined || startTime === undefined) return undefined
  if (state === 'Z' || state === 'X') return undefined
  return { pid, parent: Number(parent), startTime }
}

function carriesMark(pid: number, mark: string): boolean {
  return readProcessFile(pid, 'environ').includes(mark) || readProcessFile(pid, 'cmdline').includes(mark)
}

/** Empty when the process is gone or somebody else's: neither is ours to count. */
function readProcessFile(pid: number, file: 'stat' | 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
