// The figures that brood/process promises, as ratios of pairs measured next to each other.
import type { ProcessFigures } from '../process.ts'
import { median, type Spread, spread } from './statistics.ts'
import type { Target } from './targets.ts'

export function processTargets(figures: ProcessFigures): Target[] {
  return [
    {
      name: 'fork to first message, beside child_process.fork',
      atMost: 1.05,
      unit: 'times',
      measured: startRatio(figures, 'typed').median,
    },
    {
      name: 'request round trip, beside a hand-written pair',
      atMost: 1.1,
      unit: 'times',
      measured: roundTripRatio(figures, 'each').median,
    },
  ]
}

/**
 * Of the faster quarters, because single starts differ by more than the kinds do, and others at work on the machine only
 * ever add. The spread is that of the run's fifths.
 */
export function startRatio(
  { starts }: ProcessFigures,
  kind: 'typed' | 'both',
  what: 'milliseconds' | 'processor' = 'milliseconds',
): Spread {
  const last = Math.max(...starts.map(({ repetition }) => repetition))
  const parts = Math.min(5, last)
  const ratioOf = (from: number, to: number): number => {
    const part = starts.filter(({ repetition }) => repetition > from && repetition <= to)
    const of = (wanted: string) => part.filter((start) => start.kind === wanted).map((start) => start[what])
    return fasterQuarter(of(kind)) / fasterQuarter(of('bare'))
  }
  const each = Array.from({ length: parts }, (_, n) =>
    ratioOf(Math.floor((last * n) / parts), Math.floor((last * (n + 1)) / parts)),
  )
  return { ...spread(each), median: ratioOf(0, last) }
}

function fasterQuarter(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return median(sorted.slice(0, Math.ceil(sorted.length / 2)))
}

export function roundTripRatio({ roundTrips }: ProcessFigures, what: 'each' | 'processor'): Spread {
  return spread(
    roundTrips
      .filter(({ kind }) => kind === 'typed')
      .flatMap((typed) => {
        const bare = roundTrips.find(({ kind, round }) => kind === 'bare' && round === typed.round)
        return bare === undefined ? [] : [typed[what] / bare[what]]
      }),
  )
}
