// What a process uses: resident memory and processor time, where the system tells (Linux: /proc).
import { readFileSync } from 'node:fs'
import type { Millis } from '../kernel/clock.ts'

export interface Usage {
  /** Bytes of resident memory. */
  readonly rss: number
  /** Processor time since its start, user and system, in milliseconds. */
  readonly cpu: Millis
}

/** Linux counts processor time in ticks of a hundredth of a second (USER_HZ, fixed for user space). */
const millisPerTick = 10
const pageBytes = 4096

/** Undefined when the process is gone or the system does not tell. */
export function usageOf(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may hold spaces; fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      cpu: (Number(fields[11]) + Number(fields[12])) * millisPerTick,
      rss: Number(fields[21]) * pageBytes,
    }
  } catch {
    return undefined
  }
}
