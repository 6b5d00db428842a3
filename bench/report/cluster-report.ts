// Prints the cluster benchmark's figures as tables of at most 80 columns.
import type { ClusterFigures } from '../cluster.ts'
import { contestants } from '../contestants/index.ts'
import type { StartKind } from '../measures/preload.ts'
import { connectionKinds, type RequestRound } from '../measures/requests.ts'
import { spreadConnections, spreadWorkers } from '../measures/spread.ts'
import { supervisorWorkers } from '../measures/supervisor.ts'
import type { Connections } from '../measures/wrk.ts'
import type { Machine } from '../system/machine.ts'
import { costRatio, groupBy, reference } from './cluster-summary.ts'
import { median, type Spread, spread } from './statistics.ts'
import { table, whole } from './table.ts'
import type { Verdict } from './targets.ts'

interface Circumstances {
  machine: Machine
  versions: Record<string, string>
}

export function printCluster(
  figures: ClusterFigures,
  verdicts: readonly Verdict[],
  { machine, versions }: Circumstances,
): void {
  console.log(`${machine.processor}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`)
  console.log(
    Object.entries(versions)
      .map((entry) => entry.join(' '))
      .join(', '),
  )
  for (const connections of connectionKinds) {
    print(`${connections} connections: processor time of all processes`, requestTable(figures, connections))
  }
  print(`${spreadConnections} connections at once to ${spreadWorkers} workers`, spreadTable(figures))
  print(`supervisor of ${supervisorWorkers} idle workers`, supervisorTable(figures))
  print('time to list the workers', listTable(figures))
  print('time to the first line of a program', preloadTable(figures))
  if (verdicts.some(({ measured }) => measured !== undefined)) print('targets', verdictTable(verdicts))
  warnAboutOthers(figures.requests)
}

/** Some percent are the scatter of the measurement itself. */
const disturbingPercent = 15

function warnAboutOthers(rounds: readonly RequestRound[]): void {
  const disturbed = rounds.filter(({ othersPercent }) => othersPercent > disturbingPercent)
  if (disturbed.length === 0) return
  const worst = Math.max(...disturbed.map(({ othersPercent }) => othersPercent))
  console.log(
    `\nNot a quiet machine: in ${disturbed.length} of ${rounds.length} runs other programs took more than\n` +
      `${disturbingPercent} % of a core (at worst ${worst.toFixed(0)} %). Ratios suffer less than absolute figures.`,
  )
}

/** A part that was not measured has no rows, and then no heading either. */
function print(heading: string, [head, rows]: [string[], string[][]]): void {
  if (rows.length > 0) console.log(`\n${heading}\n\n${table(head, rows)}`)
}

function requestTable(figures: ClusterFigures, connections: Connections): [string[], string[][]] {
  const rounds = figures.requests.filter((one) => one.connections === connections)
  const middle = (list: readonly RequestRound[], key: 'microsecondsPerRequest' | 'requestsPerSecond') =>
    median(list.map((one) => one[key]))
  const rows = groupBy(rounds, ({ contestant }) => contestant)
    .sort(([one], [other]) => rank(one) - rank(other))
    .map(([contestant, list]) => [
      title(contestant),
      middle(list, 'microsecondsPerRequest').toFixed(1),
      showSpread(costRatio(rounds, connections, contestant, reference), 2),
      whole(middle(list, 'requestsPerSecond')),
      whole(list.reduce((sum, { errors }) => sum + errors, 0)),
    ])
  return [['', 'µs/request', '× bare (min–max)', 'requests/s', 'errors'], rows]
}

function spreadTable({ spread: repetitions }: ClusterFigures): [string[], string[][]] {
  const rows = groupBy(repetitions, ({ contestant }) => contestant).map(([contestant, list]) => [
    title(contestant),
    showSpread(spread(list.map(({ busiestToMean }) => busiestToMean)), 2),
    String(Math.max(...list.map(({ idleWorkers }) => idleWorkers))),
  ])
  return [['', 'busiest/mean (min–max)', 'workers without any'], rows]
}

function supervisorTable({ supervisor }: ClusterFigures): [string[], string[][]] {
  const rows = supervisor.map(({ contestant, residentMegabytes, idlePercent }) => [
    title(contestant),
    `${residentMegabytes.toFixed(0)} MB`,
    `${idlePercent.toFixed(2)} %`,
  ])
  return [['', 'resident memory', 'of one core'], rows]
}

function listTable({ list }: ClusterFigures): [string[], string[][]] {
  const rows = groupBy(list, ({ command }) => command).map(([command, repetitions]) => [
    command,
    showSpread(spread(repetitions.map(({ milliseconds }) => milliseconds)), 0),
  ])
  return [['', 'ms (min–max)'], rows]
}

function preloadTable({ preload }: ClusterFigures): [string[], string[][]] {
  const rows = groupBy(preload, ({ kind }) => kind).map(([kind, starts]) => [
    startTitles[kind],
    showSpread(spread(starts.map(({ milliseconds }) => milliseconds)), 1),
  ])
  return [['', 'ms (min–max)'], rows]
}

const startTitles: Record<StartKind, string> = {
  without: 'node alone',
  outside: 'preload outside brood',
  worker: 'preload in a worker',
}

function verdictTable(verdicts: readonly Verdict[]): [string[], string[][]] {
  const rows = verdicts.map(({ name, atMost, unit, measured, verdict }) => [
    name,
    `${atMost} ${unit}`,
    measured === undefined ? '' : `${measured.toFixed(unit === 'ms' || unit === 'MB' ? 0 : 2)} ${unit}`,
    verdict,
  ])
  return [['brood', 'at most', 'measured', ''], rows]
}

function showSpread(values: Spread | undefined, digits: number): string {
  if (values === undefined) return ''
  const [middle, smallest, largest] = [values.median, values.smallest, values.largest].map((value) =>
    value.toFixed(digits),
  )
  return `${middle} (${smallest}–${largest})`
}

function rank(key: string): number {
  return contestants.findIndex((contestant) => contestant.key === key)
}

function title(key: string): string {
  return contestants.find((contestant) => contestant.key === key)?.title ?? key
}
