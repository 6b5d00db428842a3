// What a process uses: resident memory and processor time, where the system tells (Linux: /proc).
import type { Millis } from '../kernel/clock.ts'
import { statFields } from './proc.ts'

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
  const fields = statFields(pid)
  if (fields.length === 0) return undefined
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) * millisPerTick,
    rss: Number(fields[21]) * pageBytes,
  }
}
