/** Collects durations and answers how long most, nearly all and the worst of them took. */
import { createHistogram } from 'node:perf_hooks'

const longest = 60_000_000

export class Times {
  // In microseconds, because the histogram counts in whole numbers.
  readonly #histogram = createHistogram({ lowest: 1, highest: longest, figures: 3 })

  record(milliseconds: number): void {
    this.#histogram.record(Math.min(Math.max(1, Math.round(milliseconds * 1000)), longest))
  }

  get count(): number {
    return this.#histogram.count
  }

  /** In milliseconds; 0 when nothing was recorded. */
  percentile(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percent) / 1000
  }

  get max(): number {
    return this.count === 0 ? 0 : this.#histogram.max / 1000
  }
}
