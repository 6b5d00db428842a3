// Answers: what does each share mode cost for a short connection, how evenly does it spread long ones, and who waits for
// a worker that blocks?
import { parseArgs } from 'node:util'
import { brood, broodBalanced, broodShared } from './contestants/brood.ts'
import { bare, clusterRoundRobin } from './contestants/direct.ts'
import { launch } from './contestants/launch.ts'
import { measureRequests } from './measures/requests.ts'
import { measureSpread, type SpreadRepetition, spreadWorkers } from './measures/spread.ts'
import { findWrk, loadConnections } from './measures/wrk.ts'
import { costRatio } from './report/cluster-summary.ts'
import { progress } from './report/progress.ts'
import { saveResults } from './report/save.ts'
import { median, type Spread, spread } from './report/statistics.ts'
import { table } from './report/table.ts'
import { judge } from './report/targets.ts'
import { runBlocked } from './share-blocked.ts'
import type { Suite } from './suite.ts'
import { describeMachine } from './system/machine.ts'

const workers = 2
const contestants = [bare, brood, broodShared, broodBalanced, clusterRoundRobin]

export const share: Suite = {
  question: 'what does each share mode cost for a short connection, and how evenly does it spread long ones?',
  async run(words, signal) {
    const { values } = parseArgs({
      args: [...words],
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        only: { type: 'string', default: 'blocked,cost' },
      },
    })
    const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
    const parts = values.only.split(',')
    const unknown = parts.find((part) => part !== 'blocked' && part !== 'cost')
    if (unknown !== undefined) throw new Error(`--only ${unknown}: there are blocked and cost`)
    if (parts.includes('blocked')) await runBlocked(rounds, signal)
    if (!parts.includes('cost')) return
    const machine = describeMachine()
    const wrk = await findWrk(signal)
    const requests = await measureRequests(contestants, {
      ...{ workers, rounds, seconds, signal, progress },
      kinds: ['short'],
    })
    const spreads: SpreadRepetition[] = []
    for (const contestant of contestants.filter(({ shape }) => shape === 'supervised')) {
      progress(`spread of connections: ${contestant.title}`)
      await using running = await launch(contestant, spreadWorkers, signal)
      spreads.push(...(await measureSpread(running, 5, signal)))
    }
    progress('')

    const spreadOf = (key: string): Spread =>
      spread(spreads.filter(({ contestant }) => contestant === key).map((one) => one.busiestToMean))
    const targets = [
      {
        name: 'balanced, short: cost / cluster, round robin',
        atMost: 1,
        unit: '×',
        measured: costRatio(requests, 'short', 'brood-balanced', 'cluster-round-robin')?.median,
      },
      {
        name: 'balanced: busiest worker / mean',
        atMost: 1.02,
        unit: '×',
        measured: spreadOf('brood-balanced').median,
      },
    ].map(judge)
    const file = saveResults('share', rounds >= 5, {
      question: share.question,
      date: new Date().toISOString(),
      machine,
      versions: { wrk },
      settings: { rounds, seconds, workers, loadConnections, spreadWorkers },
      targets,
      figures: { requests, spread: spreads },
    })

    const rows = contestants.map(({ key, title, shape }) => [
      title,
      median(
        requests
          .filter(({ contestant }) => contestant === key)
          .map(({ microsecondsPerRequest }) => microsecondsPerRequest),
      ).toFixed(1),
      figure(costRatio(requests, 'short', key, 'bare'), 2),
      figure(costRatio(requests, 'short', key, 'cluster-round-robin'), 2),
      shape === 'supervised' ? spreadOf(key).largest.toFixed(2) : '-',
    ])
    console.log(table(['', 'CPU µs', '/ bare', '/ round robin', 'busiest/mean'], rows))
    for (const { name, measured, atMost, verdict } of targets) {
      console.log(`${name}: ${measured?.toFixed(2) ?? '-'}, at most ${atMost}: ${verdict}`)
    }
    console.log(`\nraw figures: ${file}`)
  },
}

/** The median, with the smallest and the largest. */
function figure(value: Spread | undefined, decimals: number): string {
  if (value === undefined) return '-'
  const [middle, least, most] = [value.median, value.smallest, value.largest].map((one) =>
    one.toFixed(decimals),
  )
  return `${middle} (${least}–${most})`
}
