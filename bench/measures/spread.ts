// Measures how evenly connections that are opened at once are spread over the workers.
import type { Running } from '../contestants/launch.ts'
import { whoAnswers } from './who-answers.ts'

export const spreadWorkers = 4
export const spreadConnections = 400

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
