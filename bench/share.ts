// Answers: what does each share mode cost for a short connection, how evenly does it spread long ones, and who waits for
// a worker that blocks?
import { parseArgs } from 'node:util'
import {
  brood,
  broodBalanced,
  broodPorts,
  broodPortsTcp,
  broodRebalanced,
  broodShared,
  broodSharedRebalanced,
} from './contestants/brood.ts'
import { bare, clusterRoundRobin } from './contestants/direct.ts'
import { launch } from './contestants/launch.ts'
import {
  type MovingAnswers,
  type MovingRepetition,
  measureAnswers,
  measureMoving,
} from './measures/moving.ts'
import { measureRequests } from './measures/requests.ts'
import {
  measureSettledSpread,
  measureSpread,
  type SpreadRepetition,
  spreadWorkers,
} from './measures/spread.ts'
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
const contestants = [bare, brood, broodShared, broodBalanced, broodPorts, broodPortsTcp, clusterRoundRobin]
const rebalanced = [broodRebalanced, broodSharedRebalanced]
const repetitions = 5

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
      spreads.push(...(await measureSpread(running, repetitions, signal)))
    }
    for (const contestant of rebalanced) {
      progress(`spread of connections: ${contestant.title}`)
      await using running = await launch(contestant, spreadWorkers, signal)
      spreads.push(...(await measureSettledSpread(running, repetitions, signal)))
    }
    const moves: MovingRepetition[] = []
    const answers: MovingAnswers[] = []
    for (let repetition = 1; repetition <= repetitions; repetition++) {
      for (const contestant of [brood, broodRebalanced]) {
        progress(`moving connections, ${repetition} of ${repetitions}: ${contestant.title}`)
        moves.push(await measureMoving(contestant, signal))
        answers.push(await measureAnswers(contestant, signal))
      }
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
      {
        name: 'slots: busiest worker / mean',
        atMost: 1.4,
        unit: '×',
        measured: spreadOf('brood').median,
      },
      ...rebalanced.map(({ key, title }) => ({
        name: `${title}: busiest worker / mean`,
        atMost: 1.1,
        unit: '×',
        measured: spreadOf(key).largest,
      })),
      {
        name: 'requests that failed while connections moved',
        atMost: 0,
        unit: '',
        measured: answers.reduce((sum, { failures }) => sum + failures, 0),
      },
    ].map(judge)
    const file = saveResults('share', rounds >= 5, {
      question: share.question,
      date: new Date().toISOString(),
      machine,
      versions: { wrk },
      settings: { rounds, seconds, workers, loadConnections, spreadWorkers },
      targets,
      figures: { requests, spread: spreads, moves, answers },
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
    for (const { key, title } of rebalanced) console.log(`${title}: busiest/mean ${figure(spreadOf(key), 2)}`)
    console.log(movingText(moves, answers))
    for (const { name, measured, atMost, verdict } of targets) {
      console.log(`${name}: ${measured?.toFixed(2) ?? '-'}, at most ${atMost}: ${verdict}`)
    }
    console.log(`\nraw figures: ${file}`)
  },
}

/** What each moved connection costs, and how long answers took meanwhile, with and without moves. */
function movingText(moves: readonly MovingRepetition[], answers: readonly MovingAnswers[]): string {
  const processorOf = (key: string): number =>
    median(moves.filter(({ contestant }) => contestant === key).map((one) => one.processorMicroseconds))
  const moved = median(
    moves.filter(({ contestant }) => contestant === broodRebalanced.key).map((one) => one.moved),
  )
  const each = (processorOf(broodRebalanced.key) - processorOf(brood.key)) / moved
  const times = [brood, broodRebalanced].map(({ key, title }) => {
    const own = answers.filter(({ contestant }) => contestant === key)
    const p99 = spread(own.map((one) => one.p99))
    const slowest = spread(own.map((one) => one.slowest))
    return `${title}: answers p99 ms ${figure(p99, 1)}, slowest ${figure(slowest, 1)}`
  })
  return [`${moved} connections moved, CPU µs for each: ${each.toFixed(0)}`, ...times].join('\n')
}

/** The median, with the smallest and the largest. */
function figure(value: Spread | undefined, decimals: number): string {
  if (value === undefined) return '-'
  const [middle, least, most] = [value.median, value.smallest, value.largest].map((one) =>
    one.toFixed(decimals),
  )
  return `${middle} (${least}–${most})`
}
