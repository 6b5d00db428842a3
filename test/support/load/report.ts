/** What a load found out, and how a person reads it. */
import { type KindName, kindNames } from './kinds/index.ts'
import { Tally } from './tally.ts'
import type { Times } from './times.ts'

export class LoadReport {
  readonly total = new Tally()
  readonly kinds: Readonly<Record<KindName, Tally>> = {
    keepAliveBusy: new Tally(),
    keepAliveIdle: new Tally(),
    short: new Tally(),
    upload: new Tally(),
    stream: new Tally(),
  }
  /** The first failures in words, with the time since the load began, to begin a search with. */
  readonly examples: string[] = []
  /** How long the load ran; 0 until it has finished. */
  seconds = 0
}

const columns = [
  'kind',
  'successes',
  'resets',
  'refusals',
  'timeouts',
  'wrong',
  'idle closes',
  'connections',
  'connect ms 50/99/99.9/max',
  'answer ms 50/99/99.9/max',
]

/** A table with a row for each kind that asked anything, one for the total, and the first failures in words. */
export function formatReport(report: LoadReport): string {
  const used = kindNames.filter((name) => hasCounts(report.kinds[name]))
  const rows = [columns, ...used.map((name) => row(name, report.kinds[name])), row('total', report.total)]
  const widths = columns.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
  const answerers = [...report.total.pids].map(([pid, count]) => `${pid}: ${count}`).join(', ')
  const rate =
    report.seconds > 0 ? `${Math.round(report.total.successes / report.seconds)} requests/s` : 'running'
  const summary = `${rate}, ${report.seconds.toFixed(1)} s, answers by pid: ${answerers || 'none named'}`
  return [...lines, summary, ...report.examples].join('\n')
}

function hasCounts(tally: Tally): boolean {
  return tally.successes + tally.failures > 0
}

function row(name: string, tally: Tally): string[] {
  const { successes, resets, refusals, timeouts, wrong, idleCloses, connections } = tally
  const counts = [successes, resets, refusals, timeouts, wrong, idleCloses, connections].map(String)
  return [name, ...counts, formatTimes(tally.connectTimes), formatTimes(tally.answerTimes)]
}

function formatTimes(times: Times): string {
  if (times.count === 0) return '-'
  const percentiles = [50, 99, 99.9].map((percent) => times.percentile(percent))
  return [...percentiles, times.max].map((milliseconds) => milliseconds.toFixed(1)).join('/')
}
