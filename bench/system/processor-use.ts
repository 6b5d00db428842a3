// Reads how much processor time the whole machine and this benchmark's own commands have used, to see who else worked.
import { readFileSync } from 'node:fs'

const nanosecondsPerTick = 10_000_000

export interface ProcessorUse {
  at: number
  /** All cores, everything but idling; includes what the hypervisor took away. */
  machine: number
  /** This process and the commands it has waited for, wrk among them. */
  benchmark: number
}

/** Nanoseconds since boot and since start. */
export function processorUse(): ProcessorUse {
  const total = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/).slice(1).map(Number) ?? []
  const [user = 0, nice = 0, system = 0, _idle, _waiting, interrupts = 0, softInterrupts = 0, steal = 0] =
    total
  const own = readFileSync('/proc/self/stat', 'utf8')
  // Fields 14 to 17: own user and system time, then that of children that were waited for.
  const fields = own
    .slice(own.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number)
  return {
    at: performance.now(),
    machine: (user + nice + system + interrupts + softInterrupts + steal) * nanosecondsPerTick,
    benchmark: fields.reduce((sum, ticks) => sum + ticks, 0) * nanosecondsPerTick,
  }
}

/** Percent of one core that neither the benchmark nor what it measured has used in between. */
export function othersPercent(
  before: ProcessorUse,
  after: ProcessorUse,
  measuredNanoseconds: number,
): number {
  const others = after.machine - before.machine - (after.benchmark - before.benchmark) - measuredNanoseconds
  // Ticks are samples: with nobody else at work the difference comes out as some percent above or below nothing.
  return Math.max(0, (others / 1e6 / (after.at - before.at)) * 100)
}
