// Measures what the process above the workers costs while nothing happens.
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from '../contestants/launch.ts'
import { processorTime, residentBytes } from '../system/processes.ts'

export const supervisorWorkers = 8

export interface SupervisorCost {
  contestant: string
  residentMegabytes: number
  /** Share of one core. */
  idlePercent: number
}

/** Lets the work of starting end first; memory is read last, when what starting left behind had time to go. */
export async function measureSupervisor(
  running: Running,
  settle: number,
  seconds: number,
  signal: AbortSignal,
): Promise<SupervisorCost> {
  const { supervisor } = running
  if (supervisor === undefined) throw new Error(`${running.contestant.title} has no supervisor to measure`)
  await delay(settle * 1000, undefined, { signal })
  const used = processorTime(supervisor)
  const started = performance.now()
  await delay(seconds * 1000, undefined, { signal })
  const nanoseconds = processorTime(supervisor) - used
  return {
    contestant: running.contestant.key,
    residentMegabytes: residentBytes(supervisor) / 1024 ** 2,
    idlePercent: (nanoseconds / 1e6 / (performance.now() - started)) * 100,
  }
}
