// How busy a target is, as far as the one who sends it connections knows.
import type { Target } from './balancer.ts'

/** After so many milliseconds what was measured counts no more than a third. */
const memory = 10_000

export class Load implements Target {
  readonly id: number
  readonly weight: number
  #sent = 0
  #open = 0
  #taken = 0
  #latency = 0
  #measuredAt = 0

  readonly #now: () => number

  /** `now`: the time in milliseconds. */
  constructor(id: number, now: () => number, weight = 1) {
    this.id = id
    this.weight = weight
    this.#now = now
  }

  /** Open by the target's own last word, and those sent to it since. Grows for ever when the target never reports. */
  get connections(): number {
    return this.#open + Math.max(0, this.#sent - this.#taken)
  }

  /** What is not measured any more is forgotten too: who gets no connection could never show that it has become faster. */
  get latency(): number {
    return this.#latency * Math.exp(Math.min(0, this.#measuredAt - this.#now()) / memory)
  }

  /** A connection is on its way to it. */
  sending(): void {
    this.#sent++
  }

  /** It has not taken the connection. */
  declined(): void {
    this.#sent--
  }

  /** What was sent to it is over: for whoever counts what is under way himself, with a target that reports nothing. */
  ended(): void {
    this.#sent--
  }

  /** What the target tells: connections open now, and taken since it began. */
  report(open: number, taken: number): void {
    this.#open = open
    this.#taken = taken
  }

  /**
   * A connection was picked up after so many milliseconds. A peak counts at once and is forgotten slowly: who was slow a moment
   * ago is given less until it has proved itself.
   */
  pickedUp(after: number): void {
    const now = this.#now()
    const kept = Math.exp(Math.min(0, this.#measuredAt - now) / memory)
    this.#latency = after > this.#latency ? after : this.#latency * kept + after * (1 - kept)
    this.#measuredAt = now
  }
}
