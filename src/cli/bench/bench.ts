// One load on one address: makes sure somebody is there, has the load made, and asks who answered.
import type { ControlClient } from '../../daemon/control/client.ts'
import type { Load, LoadResult, Tick } from './load.ts'
import { assertReachable } from './reach.ts'
import type { BenchReport } from './report.ts'
import { runLoad } from './run-load.ts'
import { Census, censusAt } from './who-answered.ts'

export async function bench(
  load: Load,
  client: ControlClient,
  signal: AbortSignal,
  tick: (tick: Tick) => void,
): Promise<BenchReport> {
  const url = new URL(load.url)
  await assertReachable(url)
  const census = await censusAt(url, client)
  const isKnown = census instanceof Census
  const result = await runLoad(load, signal, {
    tick(now) {
      tick(now)
      // A supervisor that is away for a moment is asked again with the next tick.
      if (isKnown) census.take().catch(() => {})
    },
  })
  if (!isKnown) return { load, result, who: { app: null, why: census.why } }
  // The load has been made, and is told whatever has become of the app.
  await census.take().catch(() => {})
  return { load, result, who: { app: census.app, workers: census.answerers } }
}

export function hasAnswers({ requests }: LoadResult): boolean {
  return requests > 0
}
