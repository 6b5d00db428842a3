// Gives some of the worker's idle connections to siblings that have fewer: the ones that have been quiet longest.
import type { Socket } from 'node:net'
import type { Departures } from './departures.ts'
import type { ServedAddress } from './served.ts'

/** How long connections are watched to see which are quiet, and how often, in milliseconds. */
const watchFor = 500
const lookEvery = 100

/** After so long those that have not been idle yet stay. */
const giveUpAfter = 1500

/** So many leave at a time, so that requests do not wait behind them, and so often in milliseconds. */
const batch = 16
const batchEvery = 20

export interface SheddingOptions {
  /** How many connections are to leave, at most. */
  readonly count: number
  readonly served: readonly ServedAddress[]
  readonly departures: Departures
  /** Called once, when as many have arrived as could leave. */
  done(handed: number): void
}

/** Since when a connection has been read no further. */
interface Seen {
  readonly bytes: number
  readonly since: number
}

export class Shedding {
  readonly #options: SheddingOptions
  readonly #seen = new Map<Socket, Seen>()
  readonly #began = performance.now()
  #timer: NodeJS.Timeout | undefined
  #underway = 0
  #handed = 0
  #over = false

  constructor(options: SheddingOptions) {
    this.#options = options
    this.#watch()
  }

  /** No more of them leave; the worker has other orders. */
  end(): void {
    clearTimeout(this.#timer)
    this.#finish()
  }

  #watch(): void {
    const now = performance.now()
    for (const { socket } of this.#movable()) {
      const seen = this.#seen.get(socket)
      if (seen?.bytes !== socket.bytesRead) this.#seen.set(socket, { bytes: socket.bytesRead, since: now })
    }
    if (now - this.#began >= watchFor) this.#leave()
    else this.#after(lookEvery, () => this.#watch())
  }

  #leave(): void {
    const { count, departures } = this.#options
    const now = performance.now()
    // One that is idle at this moment may go, however short that is; it only is not the first to.
    const quietSince = (socket: Socket): number => {
      const seen = this.#seen.get(socket)
      return seen?.bytes === socket.bytesRead ? seen.since : now
    }
    const movable = this.#movable().toSorted((a, b) => quietSince(a.socket) - quietSince(b.socket))
    for (const { key, socket } of movable.slice(0, Math.min(batch, count - this.#handed))) {
      this.#underway++
      this.#handed++
      departures.depart(key, socket, () => {
        this.#underway--
        if (this.#over && this.#underway === 0) this.#tell()
      })
    }
    const isLate = movable.length <= batch && now - this.#began >= giveUpAfter
    if (isLate || this.#handed >= count || !departures.possible) this.#finish()
    else this.#after(batchEvery, () => this.#leave())
  }

  #movable(): { key: string; socket: Socket }[] {
    const { served, departures } = this.#options
    return served.flatMap((one) =>
      one
        .spare()
        .filter((socket) => !departures.has(socket))
        .map((socket) => ({ key: one.key, socket })),
    )
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#seen.clear()
    if (this.#underway === 0) this.#tell()
  }

  #tell(): void {
    this.#options.done(this.#handed)
  }

  #after(delay: number, act: () => void): void {
    this.#timer = setTimeout(act, delay)
    this.#timer.unref()
  }
}
