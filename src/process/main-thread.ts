// What a process's main thread is doing at this moment, as far as the system tells (Linux: /proc).
import type { Millis } from '../kernel/clock.ts'
import { taskFields } from './proc.ts'

export interface MainThread {
  /**
   * `running`: on a processor or waiting for one. `asleep`: waits for something, in a system call. `stopped`: by a signal or
   * a debugger. `dead`: it has exited.
   */
  readonly state: 'running' | 'asleep' | 'stopped' | 'dead'
  /** Processor time of this thread alone: others, such as the garbage collector's, may run while it does not. */
  readonly cpu: Millis
}

const states: Readonly<Record<string, MainThread['state']>> = {
  R: 'running',
  T: 'stopped',
  t: 'stopped',
  Z: 'dead',
  X: 'dead',
}

const millisPerTick = 10

/** Undefined when the process is gone or the system does not tell. */
export function mainThreadOf(pid: number): MainThread | undefined {
  const fields = taskFields(pid)
  const [letter] = fields
  if (letter === undefined) return undefined
  return {
    state: states[letter] ?? 'asleep',
    cpu: (Number(fields[11]) + Number(fields[12])) * millisPerTick,
  }
}
