// Notices within moments that a worker's event loop does not turn, as long as connections come in that would wait for it.
import type { Clock, Millis } from '../kernel/clock.ts'
import type { MainThread } from '../process/main-thread.ts'
import { answeredFor, isOnTime } from './silence.ts'

/**
 * How often a worker is asked, and the silence that counts as blocked. Of many workers each has a smaller share of the
 * connections, so that noticing may take longer at the same harm to clients, and costs no more.
 */
const pace = { least: 40, perWorker: 10, most: 80 } as const
/** Of all pings; the watchdog begins to count at 1. */
const question = 0

export interface PulseSetup {
  readonly clock: Clock
  /** The workers that siblings can stand in for. */
  workers(): readonly number[]
  ping(worker: number, id: number): void
  /** What its main thread does now; undefined where that cannot be known. */
  look(worker: number): MainThread | undefined
  blocked(worker: number): void
  /** One that was blocked answers. */
  back(worker: number): void
}

type Watched =
  | { readonly at: 'answered' }
  | { readonly at: 'asked'; silent: Millis; cpu: Millis | undefined }
  | { readonly at: 'blocked' }

/**
 * A worker says when it becomes busy and when it has become quiet, so nothing is asked while nothing happens. While one is
 * busy all are asked: connections for one that is blocked come in unseen. A mistake costs little, since two may accept
 * from one queue; yet silence that the worker need not answer for does not count (see the watchdog, which kills for it).
 * Unlike there a stopped worker is as good as blocked: its clients wait all the same.
 */
export class Pulse {
  readonly #setup: PulseSetup
  readonly #busy = new Set<number>()
  readonly #watched = new Map<number, Watched>()
  #cancel: (() => void) | undefined
  /** Between two looks; every other time workers are asked. */
  #stretch: Millis = pace.least / 2
  #asks = true

  constructor(setup: PulseSetup) {
    this.#setup = setup
  }

  isBlocked(worker: number): boolean {
    return this.#watched.get(worker)?.at === 'blocked'
  }

  busy(worker: number): void {
    this.#busy.add(worker)
    this.#begin()
  }

  quiet(worker: number): void {
    this.#busy.delete(worker)
  }

  /** A further worker can stand in for others. */
  joined(): void {
    this.#begin()
  }

  pong(worker: number, id: number): void {
    const before = this.#watched.get(worker)
    if (id !== question || before === undefined) return
    this.#watched.set(worker, { at: 'answered' })
    if (before.at !== 'blocked') return
    this.#setup.back(worker)
    this.#begin()
  }

  #begin(): void {
    if (this.#cancel === undefined) this.#beat()
  }

  #beat(): void {
    this.#cancel = undefined
    const workers = this.#setup.workers()
    // What only blocked ones have begun to serve brings nobody new: their siblings will say so.
    const isBusy = [...this.#busy].some((worker) => !this.isBlocked(worker))
    if (!isBusy || workers.length < 2) {
      this.#forgetAsked()
      this.#asks = true
      return
    }
    if (this.#asks) this.#ask(workers)
    this.#asks = !this.#asks
    const { clock } = this.#setup
    const from = clock.now()
    this.#cancel = clock.at(from + this.#stretch, () => this.#tick(clock.now() - from))
  }

  #ask(workers: readonly number[]): void {
    this.#stretch = Math.min(pace.most, Math.max(pace.least, workers.length * pace.perWorker)) / 2
    for (const worker of workers) {
      const at = this.#watched.get(worker)?.at
      if (at === 'asked' || at === 'blocked') continue
      this.#watched.set(worker, { at: 'asked', silent: 0, cpu: undefined })
      this.#setup.ping(worker, question)
    }
  }

  #tick(elapsed: Millis): void {
    this.#forgetOthers(new Set(this.#setup.workers()))
    const suspects = [...this.#watched].flatMap(([worker, watched]) =>
      watched.at === 'asked' && this.#isSilent(worker, watched, elapsed) ? [worker] : [],
    )
    if (suspects.length === 0) return this.#beat()
    // One more turn of our own loop: answers may have come while this tick was due, and are read only after it.
    const { clock } = this.#setup
    this.#cancel = clock.at(clock.now(), () => {
      for (const worker of suspects) if (this.#watched.get(worker)?.at === 'asked') this.#block(worker)
      this.#beat()
    })
  }

  #isSilent(worker: number, watched: Watched & { at: 'asked' }, elapsed: Millis): boolean {
    const main = this.#setup.look(worker)
    if (main?.state === 'dead') return false
    const stretch = this.#stretch
    // At the first look nothing is known of its processor time: only the second can make it blocked.
    if (isOnTime(elapsed, stretch))
      watched.silent += answeredFor(main, watched.cpu, Math.min(elapsed, stretch))
    watched.cpu = main?.cpu
    return watched.silent >= 2 * stretch
  }

  #forgetOthers(workers: ReadonlySet<number>): void {
    for (const worker of this.#busy) if (!workers.has(worker)) this.#busy.delete(worker)
    for (const [worker, { at }] of this.#watched) {
      if (workers.has(worker)) continue
      this.#watched.delete(worker)
      if (at === 'blocked') this.#setup.back(worker)
    }
  }

  #block(worker: number): void {
    this.#watched.set(worker, { at: 'blocked' })
    this.#setup.blocked(worker)
  }

  /** Silence is counted from tick to tick, and there are none for a while. */
  #forgetAsked(): void {
    for (const watched of this.#watched.values()) {
      if (watched.at !== 'asked') continue
      watched.silent = 0
      watched.cpu = undefined
    }
  }
}
