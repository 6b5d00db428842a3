// A worker without a supervisor: looks for the next one, and starts it when nobody else does. It serves on meanwhile.
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Rescue } from '../wire/birth.ts'
import type { HeldSockets, Kept } from './held-sockets.ts'
import { startSupervisor } from './rescue.ts'
import { claimRescue, dropClaim, renewClaim } from './rescue-claim.ts'

const net = process.getBuiltinModule('node:net')

/** Milliseconds between two looks: at first often, since a supervisor is back within some 200; later seldom, but for ever. */
const lookEvery = { soon: 25, later: 1000 }
const soonFor = 3000
/** The next in rank begins so many milliseconds later. */
const rankDelay = 40
/**
 * When nothing is heard of a supervisor that was started and lives, another is after so many milliseconds, then after twice as
 * many; until then nobody else starts one either.
 */
const silence = { first: 15_000, most: 60_000 }
/** Milliseconds between two renewals of the claim. */
const renewEvery = 500
/** When it has ended without having served, another is started at once, then after this, then after twice as many. */
const failure = { second: 200, most: 60_000 }

/** So many ranks later than others a worker brings a supervisor up that has not all sockets for it. */
const behindOthers = 8

/** A supervisor that closes the line within so many milliseconds, and without a word, has not taken this worker. */
const turnedAwayWithin = 1000
/**
 * One that is dying may have closed a worker's line already and not yet the socket that workers come back to: so the first few
 * times another look follows at once, and only then, since it does not take this worker, after a pause.
 */
const turnedAway = { atOnce: 3, pause: 1000 }
/** So long after a supervisor has left to this worker it is the first to bring up the next. */
const leadFor = 5000

export interface WayBackEvents {
  /** Whether the worker has given some of its sockets up. */
  isLeaving(): boolean
  /** A supervisor listens; this is a connection to it. */
  found(socket: Socket): void
}

export class WayBack {
  readonly #rescue: Rescue
  readonly #held: HeldSockets
  readonly #events: WayBackEvents
  #foundAt = -Infinity
  /** Whether the supervisor that was found last has taken it. */
  #isTaken = false
  /** Whether every socket of the home is kept here. */
  #hasAll = true
  /** Until then it is the first to bring up the next. */
  #leadUntil = -Infinity
  /** How often in a row a supervisor did not take it. */
  #turnedAway = 0

  constructor(rescue: Rescue, held: HeldSockets, events: WayBackEvents) {
    this.#rescue = rescue
    this.#held = held
    this.#events = events
  }

  /** Whether the supervisor is another than the one that started this process. */
  get isAdopted(): boolean {
    return this.#foundAt > -Infinity
  }

  /** There is a socket that only others keep. */
  lacks(): void {
    this.#hasAll = false
  }

  /** Nobody has more than this worker, says a supervisor that leaves. */
  leads(): void {
    this.#hasAll = true
    this.#leadUntil = performance.now() + leadFor
  }

  welcomed(): void {
    this.#isTaken = true
  }

  /** The supervisor is gone. */
  lost(): void {
    // One that drains has given some of its sockets up. The next supervisor is to get them all from somebody who has them.
    const isComplete = !this.#events.isLeaving() && this.#hasAll
    const usual = isComplete ? this.#rescue.rank : this.#rescue.rank + behindOthers
    const now = performance.now()
    const rank = now < this.#leadUntil ? 0 : usual
    const isTurnedAway = !this.#isTaken && now - this.#foundAt < turnedAwayWithin
    this.#turnedAway = isTurnedAway ? this.#turnedAway + 1 : 0
    if (this.#turnedAway === 0) return this.#look(rank)
    const pause = this.#turnedAway <= turnedAway.atOnce ? lookEvery.soon : turnedAway.pause
    setTimeout(() => this.#look(rank), pause).unref()
  }

  #look(rank: number): void {
    new Search(
      { ...this.#rescue, rank },
      {
        sockets: () => this.#held.all,
        found: (socket) => {
          this.#foundAt = performance.now()
          this.#isTaken = false
          this.#events.found(socket)
        },
      },
    )
  }
}

interface SearchEvents {
  /** A supervisor listens; this is a connection to it. */
  found(socket: Socket): void
  /** What a new supervisor needs. */
  sockets(): readonly Kept[]
}

/** After one loss, until a supervisor is found. */
class Search {
  readonly #rescue: Rescue
  readonly #events: SearchEvents
  #lostAt = performance.now()
  #startAt: number
  #silence = silence.first
  #failure = 0
  /** This process may start a supervisor, and looks once more before it does. */
  #claimed = false
  /** Supervisors that this process has started and that live. */
  #onTheirWay = 0
  /** When the claim was made or renewed. */
  #renewedAt = -Infinity

  constructor(rescue: Rescue, events: SearchEvents) {
    this.#rescue = rescue
    this.#events = events
    this.#startAt = this.#lostAt + Math.min(rescue.rank, 20) * rankDelay
    this.#look()
  }

  #look(): void {
    const socket = net.connect(this.#rescue.line)
    socket.unref()
    socket.once('error', () => this.#nobody())
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      if (this.#claimed) dropClaim(this.#rescue.claim)
      this.#events.found(socket)
    })
  }

  #nobody(): void {
    const now = performance.now()
    const { command, claim } = this.#rescue
    if (this.#claimed) {
      this.#claimed = false
      this.#startAt = now + this.#silence
      this.#silence = Math.min(this.#silence * 2, silence.most)
      this.#renewedAt = now
      if (startSupervisor(this.#rescue, this.#events.sockets(), () => this.#ended())) this.#onTheirWay++
    } else if (command.length > 0 && now >= this.#startAt) {
      this.#claimed = claimRescue(claim)
      // A supervisor removes the claim of whoever started it once it listens: that may have been just now.
      if (this.#claimed) return this.#look()
      this.#startAt = now + rankDelay
    } else if (this.#onTheirWay > 0 && now - this.#renewedAt >= renewEvery) {
      this.#renewedAt = now
      renewClaim(claim)
    }
    const isSoon = this.#onTheirWay > 0 || now - this.#lostAt < soonFor
    const pause = isSoon ? lookEvery.soon : lookEvery.later
    setTimeout(() => this.#look(), pause).unref()
  }

  /** The supervisor that this process has started is gone, and perhaps nobody has noticed that it was there. */
  #ended(): void {
    const now = performance.now()
    // It removes the claim when it serves.
    const hasServed = !existsSync(this.#rescue.claim)
    this.#onTheirWay--
    // It was one too many; the other may still come.
    if (this.#onTheirWay > 0 && !hasServed) return
    if (hasServed) {
      this.#lostAt = now
      this.#failure = 0
    }
    this.#silence = silence.first
    this.#startAt = now + this.#failure
    this.#failure = Math.min(Math.max(this.#failure * 2, failure.second), failure.most)
  }
}
