// Adds up what the clients of a load meet: answers with their times, and failures by kind.
import { createHistogram } from 'node:perf_hooks'
import type { Millis } from '../../kernel/clock.ts'
import type { Failures, Latency, LoadResult, Tick } from './load.ts'

type FailureKind = keyof Failures

const second: Millis = 1000

export class Tally {
  /** In microseconds: most answers of a local server take less than a millisecond. */
  readonly #latencies = createHistogram()
  readonly #failures = { refused: 0, reset: 0, closed: 0, timeouts: 0, other: 0 }
  readonly #statuses = new Map<string, number>()
  readonly #codes = new Map<string, number>()
  readonly #seconds: number[] = []
  #requests = 0
  #bad = 0
  #bytes = 0

  answered(status: number, bytes: number, took: Millis): void {
    this.#requests++
    this.#bytes += bytes
    if (status >= 400) this.#bad++
    this.#latencies.record(Math.max(1, Math.round(took * 1000)))
    count(this.#statuses, `${status}`)
  }

  failed(kind: FailureKind, code?: string): void {
    this.#failures[kind]++
    if (code !== undefined) count(this.#codes, code)
  }

  /** To be called when a second is over. */
  tick(at: Millis): Tick {
    const lastSecond = this.#requests - this.#seconds.reduce((sum, one) => sum + one, 0)
    this.#seconds.push(lastSecond)
    const failures = Object.values(this.#failures).reduce((sum, one) => sum + one, 0)
    return { at, lastSecond, requests: this.#requests, errors: failures + this.#bad }
  }

  result(duration: Millis): LoadResult {
    const mean = duration > 0 ? (this.#requests / duration) * second : 0
    // A load that was over within a second has no single ones.
    const seconds = this.#seconds.length > 0 ? this.#seconds.toSorted((a, b) => a - b) : [mean]
    return {
      duration,
      requests: this.#requests,
      perSecond: { mean, p2_5: atShare(seconds, 0.025), min: seconds[0] ?? 0 },
      bytes: this.#bytes,
      latency: this.#requests === 0 ? undefined : this.#latency(),
      failures: { ...this.#failures },
      statuses: Object.fromEntries(this.#statuses),
      codes: Object.fromEntries(this.#codes),
    }
  }

  #latency(): Latency {
    const of = (percent: number): Millis => this.#latencies.percentile(percent) / 1000
    return {
      mean: this.#latencies.mean / 1000,
      p50: of(50),
      p90: of(90),
      p97_5: of(97.5),
      p99: of(99),
      p99_9: of(99.9),
      max: this.#latencies.max / 1000,
    }
  }
}

/** What happened to a request whose connection failed with that system code. */
export function failureOf(code: string | undefined): FailureKind {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset'
    case 'ETIMEDOUT':
      return 'timeouts'
    default:
      return 'other'
  }
}

/** The smallest value that this share of all does not exceed. */
function atShare(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
