// Answers, as part of `share`: what do clients notice in each share mode when one worker of several blocks?
import { broodBlocked } from './contestants/brood.ts'
import { launch } from './contestants/launch.ts'
import {
  arrivals,
  type BlockedRepetition,
  block,
  blockedWorkers,
  measureBlocked,
} from './measures/blocked.ts'
import { progress } from './report/progress.ts'
import { saveResults } from './report/save.ts'
import { median } from './report/statistics.ts'
import { table } from './report/table.ts'
import { judge } from './report/targets.ts'
import { describeMachine } from './system/machine.ts'

const question = 'what do clients notice when one worker of four blocks for a second in every two?'
/** Of each half, the undisturbed one and the other. */
const seconds = 8

type Figure = (one: BlockedRepetition) => number

export async function runBlocked(rounds: number, signal: AbortSignal): Promise<void> {
  const machine = describeMachine()
  const figures: BlockedRepetition[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const contestant of broodBlocked) {
      progress(`a worker blocks: round ${round} of ${rounds}, ${contestant.title}`)
      await using running = await launch(contestant, blockedWorkers, signal)
      figures.push(await measureBlocked(running, seconds, signal))
    }
  }
  progress('')
  const middle = (key: string, figure: Figure): number =>
    median(figures.filter(({ contestant }) => contestant === key).map(figure))

  const targets = broodBlocked
    .filter(({ key }) => !key.endsWith('no-adoption'))
    .map(({ key, title }) => ({
      name: `${title}, 99th percentile of the other workers / undisturbed`,
      atMost: 2,
      unit: '×',
      measured: middle(key, (one) => one.others / one.undisturbed),
    }))
    .map(judge)
  const file = saveResults('share-blocked', rounds >= 5, {
    question,
    date: new Date().toISOString(),
    machine,
    settings: { rounds, seconds, workers: blockedWorkers, arrivals, block },
    targets,
    figures,
  })

  console.log(`${question}\n${arrivals} connections a second, medians of ${rounds}, milliseconds\n`)
  const rows = broodBlocked.map(({ key, title }) => [
    title,
    middle(key, (one) => one.undisturbed).toFixed(1),
    middle(key, (one) => one.others).toFixed(1),
    middle(key, (one) => one.outside).toFixed(1),
    middle(key, (one) => one.longest).toFixed(0),
    `${middle(key, (one) => one.waitedPercent).toFixed(2)} %`,
    `${middle(key, (one) => one.supervisorPercent).toFixed(1)} %`,
  ])
  console.log(table(['', 'calm p99', 'others p99', 'all p99', 'longest', '≥ 100 ms', 'supervisor'], rows))
  for (const { name, measured, atMost, verdict } of targets) {
    console.log(`${name}: ${measured?.toFixed(2) ?? '-'}, at most ${atMost}: ${verdict}`)
  }
  console.log(`\nraw figures: ${file}\n`)
}
