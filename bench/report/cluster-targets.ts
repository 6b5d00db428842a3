// The targets that brood has set itself for sharing a port, and where in the figures each is found.
import type { ClusterFigures } from '../cluster.ts'
import type { Connections } from '../measures/wrk.ts'
import { costRatio } from './cluster-summary.ts'
import { median } from './statistics.ts'
import type { Target } from './targets.ts'

export function clusterTargets(figures: ClusterFigures): Target[] {
  const ratio = (connections: Connections, to: string, of = 'brood') =>
    costRatio(figures.requests, connections, of, to)?.median
  const supervisor = figures.supervisor.find(({ contestant }) => contestant === 'brood')
  const spreads = figures.spread.filter(({ contestant }) => contestant === 'brood')
  const lists = figures.list.filter(({ command }) => command === 'brood list')
  return [
    { name: 'short: cost / bare', atMost: 1.1, unit: '×', measured: ratio('short', 'bare') },
    {
      name: 'short: cost / cluster, round robin',
      atMost: 0.45,
      unit: '×',
      measured: ratio('short', 'cluster-round-robin'),
    },
    {
      name: 'brood/cluster SCHED_RR / cluster',
      atMost: 1,
      unit: '×',
      measured: ratio('short', 'cluster-round-robin', 'brood-cluster-round-robin'),
    },
    {
      name: 'brood/cluster SCHED_SLOTS / cluster',
      atMost: 0.45,
      unit: '×',
      measured: ratio('short', 'cluster-round-robin', 'brood-cluster-slots'),
    },
    { name: 'short: cost / pm2', atMost: 0.3, unit: '×', measured: ratio('short', 'pm2') },
    { name: 'keep-alive: cost / bare', atMost: 1.05, unit: '×', measured: ratio('keep-alive', 'bare') },
    // Two processes on two cores cost more than one, whoever runs them: what is left is brood's own share.
    {
      name: 'short: one worker / bare',
      atMost: 1.1,
      unit: '×',
      measured: ratio('short', 'bare', 'brood-one'),
    },
    { name: 'short: cost / bare siblings', atMost: 1.05, unit: '×', measured: ratio('short', 'reuse-port') },
    {
      name: 'keep-alive: one worker / bare',
      atMost: 1.05,
      unit: '×',
      measured: ratio('keep-alive', 'bare', 'brood-one'),
    },
    {
      name: 'spread: busiest worker / mean',
      atMost: 1.5,
      unit: '×',
      measured: medianOf(spreads.map(({ busiestToMean }) => busiestToMean)),
    },
    {
      name: 'supervisor: resident memory',
      atMost: 60,
      unit: 'MB',
      measured: supervisor?.residentMegabytes,
    },
    { name: 'supervisor: processor when idle', atMost: 0.2, unit: '%', measured: supervisor?.idlePercent },
    {
      name: 'brood list: time',
      atMost: 150,
      unit: 'ms',
      measured: medianOf(lists.map(({ milliseconds }) => milliseconds)),
    },
    { name: 'preload: added start time', atMost: 15, unit: 'ms', measured: addedStartTime(figures) },
  ]
}

/** Differences within a repetition first: its starts followed one another, so a busy machine delayed them alike. */
function addedStartTime({ preload }: ClusterFigures): number | undefined {
  const without = new Map(
    preload.filter(({ kind }) => kind === 'without').map((start) => [start.repetition, start.milliseconds]),
  )
  const workers = preload.filter(({ kind }) => kind === 'worker')
  return medianOf(
    workers.flatMap(({ repetition, milliseconds }) => {
      const alone = without.get(repetition)
      return alone === undefined ? [] : [milliseconds - alone]
    }),
  )
}

function medianOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : median(values)
}
