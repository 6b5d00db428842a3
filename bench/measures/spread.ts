// Measures how evenly connections that are opened at once are spread over the workers.
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from '../contestants/launch.ts'
import { HeldConnections } from './held-connections.ts'
import { whoAnswers } from './who-answers.ts'

export const spreadWorkers = 4
export const spreadConnections = 400

/** What is rebalanced has settled when nothing has changed for so long; it is asked so often. */
const settled = { after: 2500, every: 500 }

export interface SpreadRepetition {
  contestant: string
  /** Connections of the busiest worker, divided by the mean: 1 is perfectly even, 4 is one worker with all of them. */
  busiestToMean: number
  idleWorkers: number
}

export async function measureSpread(
  running: Running,
  repetitions: number,
  signal: AbortSignal,
): Promise<SpreadRepetition[]> {
  const results: SpreadRepetition[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const counts = [...(await whoAnswers(running.port, spreadConnections, signal)).values()]
    results.push({
      contestant: running.contestant.key,
      busiestToMean: (Math.max(...counts) * running.workers) / spreadConnections,
      idleWorkers: running.workers - counts.length,
    })
  }
  return results
}

/** The same of connections that stay open, when they move no more. */
export async function measureSettledSpread(
  running: Running,
  repetitions: number,
  signal: AbortSignal,
): Promise<SpreadRepetition[]> {
  const results: SpreadRepetition[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    using held = new HeldConnections(running.port, spreadConnections)
    let pids = await held.askAll()
    for (let changed = performance.now(); performance.now() - changed < settled.after; ) {
      await delay(settled.every, undefined, { signal })
      const now = await held.askAll()
      if (now.some((pid, index) => pid !== pids[index])) changed = performance.now()
      pids = now
    }
    const counts = [...Map.groupBy(pids, (pid) => pid).values()].map(({ length }) => length)
    results.push({
      contestant: running.contestant.key,
      busiestToMean: (Math.max(...counts) * running.workers) / spreadConnections,
      idleWorkers: running.workers - counts.length,
    })
  }
  return results
}
