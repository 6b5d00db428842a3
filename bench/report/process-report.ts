// Prints what a typed child costs.
import type { StartKind } from '../measures/first-message.ts'
import type { ProcessFigures } from '../process.ts'
import type { Machine } from '../system/machine.ts'
import { roundTripRatio, startRatio } from './process-targets.ts'
import { median, type Spread } from './statistics.ts'
import { table } from './table.ts'
import type { Verdict } from './targets.ts'

export function printProcess(figures: ProcessFigures, targets: readonly Verdict[], machine: Machine): void {
  console.log(`${machine.processor}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`)
  console.log(`load before: ${machine.loadBefore.toFixed(2)}\n`)
  const startRow = (name: string, kind: StartKind): string[] => {
    const starts = figures.starts.filter((start) => start.kind === kind)
    const processor = median(starts.map((start) => start.processor)) / 1000
    const ratio = kind === 'bare' ? '' : showSpread(startRatio(figures, kind))
    const processorRatio = kind === 'bare' ? '' : showSpread(startRatio(figures, kind, 'processor'))
    return [
      name,
      median(starts.map((start) => start.milliseconds)).toFixed(1),
      ratio,
      processor.toFixed(1),
      processorRatio,
    ]
  }
  console.log(
    table(
      ['fork to first message', 'ms', 'ratio', 'CPU ms', 'ratio'],
      [
        startRow('child_process.fork', 'bare'),
        startRow('brood, bare child', 'typed'),
        startRow('brood in both', 'both'),
      ],
    ),
  )
  const tripRow = (name: string, kind: 'bare' | 'typed'): string[] => {
    const trips = figures.roundTrips.filter((trip) => trip.kind === kind)
    const [each, processor] = [
      median(trips.map((trip) => trip.each)),
      median(trips.map((trip) => trip.processor)),
    ]
    const ratio = kind === 'bare' ? '' : showSpread(roundTripRatio(figures, 'each'))
    const processorRatio = kind === 'bare' ? '' : showSpread(roundTripRatio(figures, 'processor'))
    return [name, each.toFixed(1), ratio, processor.toFixed(1), processorRatio]
  }
  console.log(
    `\n${table(
      ['round trip', 'µs', 'ratio', 'CPU µs', 'ratio'],
      [tripRow("send and on('message')", 'bare'), tripRow('brood request', 'typed')],
    )}\n`,
  )
  for (const { name, atMost, measured, verdict } of targets) {
    console.log(`${verdict}: ${name}: ${measured?.toFixed(3)} (at most ${atMost})`)
  }
}

function showSpread({ median, smallest, largest }: Spread): string {
  return `${median.toFixed(2)} (${smallest.toFixed(2)}–${largest.toFixed(2)})`
}
