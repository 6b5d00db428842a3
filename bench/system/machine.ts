// Describes the machine a benchmark ran on, because a figure without it says nothing.
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Machine {
  processor: string
  cores: number
  kernel: string
  memoryMegabytes: number
  node: string
  /** Average of runnable processes in the minute before: above the benchmark's own share it means that others disturbed. */
  loadBefore: number
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    kernel: `${type()} ${release()}`,
    memoryMegabytes: Math.round(totalmem() / 1024 ** 2),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
  }
}
