// Gives some of the worker's idle connections to siblings that have fewer: the ones that have been quiet longest.
import type { Socket } from 'node:net'
import type { Departures } from './departures.ts'
import { isStillIdle } from './idle-connections.ts'
import type { ServedAddress } from './served.ts'

/** How long connections are watched to see which are quiet, and how often, in milliseconds. */
const watchFor = 500
const lookEvery = 100

/** After so long those that have not been idle yet stay. */
const giveUpAfter = 1500

/** So many are under way at a time: a request that meets one of them waits for no more than these. */
const mostUnderway = 4

export interface SheddingOptions {
  /** How many connections are to leave, at most. */
  readonly count: number
  readonly served: readonly ServedAddress[]
  readonly departures: Departures
  /** Called once, when as many have arrived as could leave. */
  done(handed: number): void
}

interface Candidate {
  readonly key: string
  readonly socket: Socket
  /** Read from it so far, and since when that is all. */
  readonly bytes: number
  readonly since: number
}

export class Shedding {
  readonly #options: SheddingOptions
  readonly #began = performance.now()
  #seen = new Map<Socket, Candidate>()
  /** Those that go next, the last one first. */
  #queue: Candidate[] = []
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

  get #age(): number {
    return performance.now() - this.#began
  }

  #watch(): void {
    this.#look()
    if (this.#age >= watchFor) this.#leave()
    else this.#after(lookEvery, () => this.#watch())
  }

  /** One that is idle at this moment may go, however short that is; it only is not the first to. */
  #look(): void {
    const { served, departures } = this.#options
    const now = performance.now()
    const seen = new Map<Socket, Candidate>()
    for (const { key, socket } of served.flatMap((one) =>
      one.spare().map((socket) => ({ key: one.key, socket })),
    )) {
      if (departures.has(socket)) continue
      const before = this.#seen.get(socket)
      const bytes = socket.bytesRead
      seen.set(socket, { key, socket, bytes, since: before?.bytes === bytes ? before.since : now })
    }
    this.#seen = seen
  }

  #leave(): void {
    while (!this.#over && this.#underway < mostUnderway) {
      if (this.#handed >= this.#options.count || !this.#options.departures.possible) return this.#finish()
      const next = this.#queue.pop()
      if (next === undefined) return this.#refill()
      if (isStillIdle(next.socket, next.bytes)) this.#depart(next)
    }
  }

  #depart({ key, socket }: Candidate): void {
    this.#underway++
    this.#handed++
    this.#options.departures.depart(key, socket, () => {
      this.#underway--
      if (!this.#over) this.#leave()
      else if (this.#underway === 0) this.#tell()
    })
  }

  /** What was busy at the last look may be idle now. */
  #refill(): void {
    if (this.#timer !== undefined) return
    if (this.#seen.size === 0 && this.#age >= giveUpAfter) return this.#finish()
    this.#queue = [...this.#seen.values()].toSorted((a, b) => b.since - a.since)
    this.#seen.clear()
    if (this.#queue.length > 0) return this.#leave()
    this.#after(lookEvery, () => {
      this.#look()
      this.#leave()
    })
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#seen.clear()
    this.#queue = []
    if (this.#underway === 0) this.#tell()
  }

  #tell(): void {
    this.#options.done(this.#handed)
  }

  #after(delay: number, act: () => void): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      act()
    }, delay)
    this.#timer.unref()
  }
}
