// Measures what a request costs: processor time of all processes of a contestant, divided by answered requests.
import type { Contestant } from '../contestants/contestant.ts'
import { launchAll, type Running } from '../contestants/launch.ts'
import { processorTime } from '../system/processes.ts'
import { othersPercent, processorUse } from '../system/processor-use.ts'
import { type Connections, load } from './wrk.ts'

export interface RequestRound {
  round: number
  contestant: string
  connections: Connections
  requests: number
  requestsPerSecond: number
  microsecondsPerRequest: number
  errors: number
  /** Percent of one core that other programs on the machine took meanwhile. */
  othersPercent: number
}

export const connectionKinds: readonly Connections[] = ['short', 'keep-alive']

export interface RequestOptions {
  workers: number
  rounds: number
  seconds: number
  /** All kinds unless given. */
  kinds?: readonly Connections[]
  signal: AbortSignal
  progress(text: string): void
}

/**
 * Interleaved: every round visits all contestants, so that what disturbs the machine for a while disturbs all of them,
 * and a round's ratio compares neighbours in time. Every round has new processes: one process keeps whatever luck its
 * memory layout and its compiled code had, and two instances of the same program differed by 10 % for all their life.
 */
export async function measureRequests(
  contestants: readonly Contestant[],
  options: RequestOptions,
): Promise<RequestRound[]> {
  const { workers, rounds, seconds, signal, progress, kinds = connectionKinds } = options
  const results: RequestRound[] = []
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}: starting`)
    await using running = await launchAll(orderOfRound(contestants, round), workers, signal)
    for (const connections of kinds) {
      for (const one of running.all) {
        progress(`round ${round} of ${rounds}, ${connections}: ${one.contestant.title}`)
        results.push({ round, ...(await measureOnce(one, connections, seconds, signal)) })
      }
    }
  }
  return results
}

/** Another one begins in every round, and the direction changes, so that nobody always follows the same neighbour. */
function orderOfRound(contestants: readonly Contestant[], round: number): Contestant[] {
  const first = round % contestants.length
  const order = [...contestants.slice(first), ...contestants.slice(0, first)]
  return round % 2 === 0 ? order : order.reverse()
}

async function measureOnce(
  running: Running,
  connections: Connections,
  seconds: number,
  signal: AbortSignal,
): Promise<Omit<RequestRound, 'round'>> {
  // The first second compiles the program's hot code, which a service does once in its life.
  await load(running.port, connections, 1, signal)
  const machineBefore = processorUse()
  const before = new Map(running.pids().map((pid) => [pid, processorTime(pid)]))
  const { requests, requestsPerSecond, errors } = await load(running.port, connections, seconds, signal)
  let nanoseconds = 0
  for (const [pid, used] of before) nanoseconds += processorTime(pid) - used
  return {
    contestant: running.contestant.key,
    connections,
    requests,
    requestsPerSecond,
    microsecondsPerRequest: nanoseconds / 1000 / requests,
    errors,
    othersPercent: othersPercent(machineBefore, processorUse(), nanoseconds),
  }
}
