// What `brood bench` prints at the end: requests, throughput, latencies, errors, and a bar for each worker that answered.
import { renderTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { bar, busiestToMean, bytesText, lengthText, percentText, whole } from './figures.ts'
import type { Load, LoadResult } from './load.ts'
import { failureOf } from './tally.ts'
import type { Answerer, WhoAnswered } from './who-answered.ts'

export interface BenchReport {
  readonly load: Load
  readonly result: LoadResult
  readonly who: WhoAnswered
}

type Style = Terminal['style']

/** The same for other programs; lengths of time in milliseconds. */
export function reportJson({ load, result, who }: BenchReport): unknown {
  const workers = who.app === null ? [] : who.workers
  const sum = workers.reduce((total, { requests }) => total + requests, 0)
  return {
    ...load,
    ...result,
    latency: result.latency ?? null,
    app: who.app,
    ...(who.app === null ? { unknown: who.why } : {}),
    workers: workers.map((one) => ({ ...one, share: sum === 0 ? 0 : one.requests / sum })),
    busiestToMean: busiestToMean(requestsOfSlots(workers)) ?? null,
  }
}

const indent = ' '.repeat(12)
/** Names, figures and gaps beside the bars take the rest of the width. */
const besideBars = 44

export function reportText({ load, result, who }: BenchReport, width: number, style: Style): string {
  const head = (title: string): string => style('bold', title.padEnd(indent.length))
  const { perSecond, bytes, duration, requests } = result
  const seconds = duration / 1000
  const lines = [
    `${load.method} ${load.url}`,
    style('dim', loadText(load, seconds)),
    '',
    `${head('Requests')}${whole(perSecond.mean)} /s   p2.5 ${whole(perSecond.p2_5)}, lowest second ${whole(perSecond.min)}   ${whole(requests)} in all`,
    `${head('Throughput')}${bytesText(seconds > 0 ? bytes / seconds : 0)}/s   ${bytesText(bytes)} in all`,
    ...(result.latency === undefined ? [] : ['', ...beside(head('Latency'), latencyLines(result, width))]),
    '',
    ...beside(head('Errors'), errorLines(result)),
    '',
    ...beside(head('Who'), whoLines(who, load, requests, width)),
  ]
  return lines.join('\n')
}

function loadText({ connections, pipelining, short }: Load, seconds: number): string {
  const parts = [`${connections} connections`, `${seconds.toFixed(1)} s`]
  if (pipelining > 1) parts.push(`${pipelining} requests at a time on each`)
  if (short) parts.push('a new connection for each request')
  return parts.join(', ')
}

function latencyLines({ latency }: LoadResult, width: number): string[] {
  if (latency === undefined) return []
  const { p50, p90, p97_5, p99, p99_9, max } = latency
  const all = { p50, p90, 'p97.5': p97_5, p99, 'p99.9': p99_9, max }
  return Object.entries(all).map(
    ([name, value]) =>
      `${name.padEnd(5)} ${lengthText(value).padStart(8)}  ${bar(value, max, width - besideBars)}`,
  )
}

/** One line for each kind there was. */
export function errorLines({ failures, statuses, codes }: LoadResult): string[] {
  const ofStatus = (first: string): [string, number][] =>
    Object.entries(statuses).filter(([status]) => status.startsWith(first))
  const bad = ['4', '5'].map((first): [string, number, string] => {
    const found = ofStatus(first)
    const sum = found.reduce((total, [, count]) => total + count, 0)
    return [`${first}xx`, sum, found.map(([status, count]) => `${status}: ${whole(count)}`).join(', ')]
  })
  const others = Object.entries(codes).filter(([code]) => failureOf(code) === 'other')
  const kinds: [string, number, string][] = [
    ['refused', failures.refused, ''],
    ['reset', failures.reset, ''],
    ['closed without an answer', failures.closed, ''],
    ['timeouts', failures.timeouts, ''],
    ['other', failures.other, others.map(([code, count]) => `${code}: ${whole(count)}`).join(', ')],
    ...bad,
  ]
  const there = kinds.filter(([, count]) => count > 0)
  if (there.length === 0) return ['none']
  return there.map(([name, count, more]) => `${name} ${whole(count)}${more === '' ? '' : ` (${more})`}`)
}

/** `answered`: how many requests the clients saw answered. */
export function whoLines(who: WhoAnswered, load: Load, answered: number, width: number): string[] {
  if (who.app === null) return [`not known: ${who.why}`]
  if (who.workers.length === 0) return [`not known: the workers of '${who.app}' do not count their requests`]
  const counts = who.workers.map(({ requests }) => requests)
  const sum = counts.reduce((total, one) => total + one, 0)
  const most = Math.max(...counts)
  const hasErrors = who.workers.some(({ errors }) => errors > 0)
  const rows = who.workers.map(({ slot, pid, requests, errors }) => [
    `${who.app}/${slot}`,
    bar(requests, most, width - besideBars - 16),
    percentText(sum === 0 ? 0 : requests / sum),
    whole(requests),
    `${pid}`,
    ...(hasErrors ? [whole(errors)] : []),
  ])
  const columns = [
    { title: 'WORKER', shrinkTo: 8 },
    { title: '' },
    { title: 'SHARE', align: 'right' as const },
    { title: 'REQUESTS', align: 'right' as const },
    { title: 'PID', align: 'right' as const },
    ...(hasErrors ? [{ title: '5XX', align: 'right' as const }] : []),
  ]
  const ratio = busiestToMean(requestsOfSlots(who.workers))
  // Each connection may have had an answer on its way when the load was over, or when the counting began.
  const missing = answered - sum
  const isMissing = missing > load.connections * load.pipelining
  return [
    ...renderTable(columns, rows, width - indent.length).split('\n'),
    ...(ratio === undefined ? [] : [`busiest ÷ mean: ${ratio.toFixed(2)}`]),
    ...(isMissing ? [`${whole(missing)} more by workers that ended before they could be asked`] : []),
  ]
}

/** A worker that was replaced has done its slot's share together with its successor. */
function requestsOfSlots(workers: readonly Answerer[]): number[] {
  const slots = Map.groupBy(workers, ({ slot }) => slot)
  return [...slots.values()].map((ones) => ones.reduce((sum, { requests }) => sum + requests, 0))
}

/** A block of lines to the right of its title. */
function beside(title: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => (index === 0 ? title : indent) + line)
}
