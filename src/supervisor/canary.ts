// Watches the first new worker of a reload beside the old ones: it may not fail more of its requests than they do.
import type { Clock, Millis } from '../kernel/clock.ts'
import type { Guard, Served } from './guard.ts'

/** How often the counts are asked for. */
const lookEvery: Millis = 500
/** Fewer requests than this say nothing. */
const fewest = 20

export class CanaryWatch {
  readonly #canary: Guard
  readonly #others: readonly { readonly guard: Guard; readonly before: Served }[]
  readonly #tolerance: number
  readonly #clock: Clock
  readonly #failed: (reason: string) => void
  #cancel: () => void = () => {}

  /** `tolerance`: by which share of failed answers the canary may be worse. */
  constructor(
    canary: Guard,
    others: readonly Guard[],
    tolerance: number,
    clock: Clock,
    failed: (reason: string) => void,
  ) {
    this.#canary = canary
    this.#others = others.map((guard) => ({ guard, before: guard.served }))
    this.#tolerance = tolerance
    this.#clock = clock
    this.#failed = failed
    this.#ask()
  }

  close(): void {
    this.#cancel()
  }

  #ask(): void {
    this.#canary.count()
    for (const { guard } of this.#others) guard.count()
    this.#cancel = this.#clock.at(this.#clock.now() + lookEvery, () => this.#look())
  }

  #look(): void {
    const { requests, errors } = this.#canary.served
    const usual = this.#usualRate()
    const rate = requests === 0 ? 0 : errors / requests
    if (requests < fewest || rate <= usual + this.#tolerance) return this.#ask()
    this.#failed(
      `answered ${percent(rate)} of ${requests} requests with a status of 500 and more, the others ${percent(usual)}`,
    )
  }

  /** What the others have failed since the canary began. */
  #usualRate(): number {
    let requests = 0
    let errors = 0
    for (const { guard, before } of this.#others) {
      requests += guard.served.requests - before.requests
      errors += guard.served.errors - before.errors
    }
    return requests <= 0 ? 0 : errors / requests
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
