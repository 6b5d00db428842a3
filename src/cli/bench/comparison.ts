// What comes of comparing share modes, as a table that helps to choose: medians of the rounds, and ratios to the first mode.
import { type Column, renderTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { lengthText, microsText, whole } from './figures.ts'
import type { Load } from './load.ts'
import type { Trial } from './trial.ts'

export interface Comparison {
  readonly script: string
  readonly workers: number
  readonly load: Omit<Load, 'url'> & { readonly path: string }
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly kernel: string
    readonly node: string
    readonly brood: string
  }
  /** In the order in which they were made. */
  readonly trials: readonly Trial[]
}

export interface ModeSummary {
  readonly mode: Trial['mode']
  readonly rounds: number
  readonly requestsPerSecond: Figure
  /** Microseconds. */
  readonly cpuPerRequest: Figure | null
  /** Milliseconds. */
  readonly p99: Figure | null
  /** Of connections; 1 is even. */
  readonly busiestToMean: Figure | null
  readonly errors: number
}

interface Figure {
  readonly median: number
  readonly smallest: number
  readonly largest: number
  /** To the first mode's median; null where that is nothing. */
  readonly ratio: number | null
}

/** One for each mode, in the order of the first round. */
export function summarise(trials: readonly Trial[]): ModeSummary[] {
  const modes = [...new Set(trials.map(({ mode }) => mode))]
  const of = (mode: Trial['mode'], read: (trial: Trial) => number | null): Figure | null => {
    const values = (one: Trial['mode'] | undefined): number[] =>
      trials.filter((trial) => trial.mode === one).flatMap((trial) => read(trial) ?? [])
    return figureOf(values(mode), values(modes[0]))
  }
  return modes.map((mode) => {
    const own = trials.filter((trial) => trial.mode === mode)
    return {
      mode,
      rounds: own.length,
      requestsPerSecond: of(mode, (one) => one.requestsPerSecond) ?? nothing,
      cpuPerRequest: of(mode, (one) => one.cpuPerRequest),
      p99: of(mode, (one) => one.p99),
      busiestToMean: of(mode, (one) => one.busiestToMean.connections),
      errors: own.reduce((sum, { errors }) => sum + errors, 0),
    }
  })
}

const columns: readonly Column[] = [
  { title: 'MODE' },
  { title: 'REQ/S', align: 'right' },
  { title: '±', align: 'right' },
  { title: 'RATIO', align: 'right' },
  { title: 'CPU/REQ', align: 'right' },
  { title: 'RATIO', align: 'right' },
  { title: 'P99', align: 'right' },
  { title: 'RATIO', align: 'right' },
  { title: 'BUSIEST', align: 'right' },
  { title: 'ERRORS', align: 'right' },
]

export function comparisonText(comparison: Comparison, width: number, style: Terminal['style']): string {
  const { script, workers, load, machine, trials } = comparison
  const rows = summarise(trials).map((one) => [
    one.mode,
    whole(one.requestsPerSecond.median),
    deviationText(one.requestsPerSecond),
    ratioText(one.requestsPerSecond),
    one.cpuPerRequest === null ? '-' : microsText(one.cpuPerRequest.median),
    ratioText(one.cpuPerRequest),
    one.p99 === null ? '-' : lengthText(one.p99.median),
    ratioText(one.p99),
    one.busiestToMean === null ? '-' : one.busiestToMean.median.toFixed(2),
    whole(one.errors),
  ])
  const [head = '', ...lines] = renderTable(columns, rows, width).split('\n')
  const rounds = Math.max(0, ...summarise(trials).map((one) => one.rounds))
  const kind = load.short ? 'a new connection for each request' : 'kept alive'
  return [
    `${load.method} ${load.path} of ${script}`,
    style(
      'dim',
      `${workers} workers, ${load.connections} connections, ${kind}; ${rounds} × ${load.duration / 1000} s for each mode`,
    ),
    style('dim', `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`),
    '',
    style('dim', head),
    ...lines,
    '',
    style('dim', 'Medians of the rounds, ± half the distance between them; RATIO: to the first.'),
    style('dim', 'CPU/REQ: processor time of workers, supervisor and proxy for one request.'),
    style('dim', 'BUSIEST: connections of the busiest worker ÷ connections of the mean worker.'),
  ].join('\n')
}

const nothing: Figure = { median: 0, smallest: 0, largest: 0, ratio: null }

function figureOf(values: readonly number[], first: readonly number[]): Figure | null {
  const [middle, reference] = [median(values), median(first)]
  if (middle === undefined) return null
  return {
    median: middle,
    smallest: Math.min(...values),
    largest: Math.max(...values),
    ratio: reference === undefined || reference === 0 ? null : middle / reference,
  }
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [lower, upper] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  return lower === undefined || upper === undefined ? undefined : (lower + upper) / 2
}

function ratioText(figure: Figure | null): string {
  return figure?.ratio === null || figure === null ? '-' : figure.ratio.toFixed(2)
}

function deviationText({ median: middle, smallest, largest }: Figure): string {
  return middle === 0 ? '-' : `${Math.round(((largest - smallest) / 2 / middle) * 100)} %`
}
