// One upstream as the proxy knows it: how busy it is, whether it can be reached.
import { Load, type Target } from '../balance/index.ts'
import type { Clock, Millis } from '../kernel/clock.ts'
import { afterFailure, type Health, isOut, up } from './health.ts'
import { hostPort, type UpstreamAddress } from './route.ts'
import { answered, asked, gaveUp, heard, type Silence, silent } from './silence.ts'

/** Somebody waits for the first byte of an answer, or for a connection. What comes after the first call has no effect. */
export interface Wait {
  /** It is there. */
  answered(): void
  /** Nobody waits for it any more. */
  over(): void
}

export class Upstream implements Target {
  readonly id: number
  readonly host: string
  readonly port: number
  weight: number
  readonly #load: Load
  readonly #clock: Clock
  #health: Health = up
  #silence: Silence = silent
  #retired = false
  readonly #onRetired: (() => void)[] = []

  constructor({ slot, host, port, weight }: UpstreamAddress, clock: Clock) {
    this.id = slot
    this.host = host
    this.port = port
    this.weight = weight
    this.#clock = clock
    this.#load = new Load(slot, () => clock.now())
  }

  get name(): string {
    return `${hostPort(this)} (slot ${this.id})`
  }

  get connections(): number {
    return this.#load.connections
  }

  get latency(): Millis {
    return this.#load.latency
  }

  get silence(): Silence {
    return this.#silence
  }

  get isOut(): boolean {
    return isOut(this.#health, this.#clock.now())
  }

  get isRetired(): boolean {
    return this.#retired
  }

  is({ slot, host, port }: UpstreamAddress): boolean {
    return this.id === slot && this.host === host && this.port === port
  }

  /** A request or connection goes to it; `ended` is called once for each. */
  begun(): void {
    this.#load.sending()
  }

  ended(): void {
    this.#load.ended()
  }

  /** From now on something has to come from it, or it lags. */
  awaited(): Wait {
    const began = this.#clock.now()
    this.#silence = asked(this.#silence, began)
    let waits = true
    const end = (next: (silence: Silence, now: Millis) => Silence): void => {
      if (waits) this.#silence = next(this.#silence, this.#clock.now())
      waits = false
    }
    return {
      answered: () => end((silence, now) => answered(silence, now, now - began)),
      over: () => end(gaveUp),
    }
  }

  /** A byte of an answer came. */
  heard(): void {
    this.#silence = heard(this.#silence, this.#clock.now())
  }

  /** It was reached, or answered, after so many milliseconds. */
  responded(after: Millis): void {
    this.#load.pickedUp(after)
  }

  /** It took a connection; true if it could not before. */
  reached(): boolean {
    const wasOut = this.#health.at === 'out'
    this.#health = up
    return wasOut
  }

  /** It could not be reached; true the first time. */
  failed(): boolean {
    const wasUp = this.#health.at === 'up'
    this.#health = afterFailure(this.#health, this.#clock.now())
    return wasUp
  }

  /** It is given nothing new; what is under way ends by itself. */
  retire(): void {
    this.#retired = true
    for (const act of this.#onRetired) act()
  }

  onRetired(act: () => void): void {
    this.#onRetired.push(act)
  }
}
