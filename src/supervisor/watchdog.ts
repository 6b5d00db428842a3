// Notices that a worker's event loop has stopped turning: it does not answer a ping for too long, and has no excuse.
import type { Clock, Millis } from '../kernel/clock.ts'
import type { MainThread } from '../process/main-thread.ts'
import { answeredFor, isOnTime } from './silence.ts'

/** A ping costs both sides some microseconds; one every five seconds is nothing, ten a second still little. */
const shortestInterval: Millis = 100
const longestInterval: Millis = 5000
/** Of the last stretch before the limit: what is counted only in part would otherwise come near it in ever smaller steps. */
const shortestStretch: Millis = 25

export interface WatchdogSetup {
  /** The silence that counts as blocked. */
  readonly limit: Millis
  ping(id: number): void
  /** Called once; the watchdog is over then. `silent`: how long no answer came, as counted. */
  blocked(silent: Millis): void
  /** What the worker's main thread does now; undefined where that cannot be known. */
  look(): MainThread | undefined
  readonly clock: Clock
}

/**
 * A pong is sent as soon as the worker's loop polls, which it does in each turn: 100 % processor time in short tasks, timers
 * or `setImmediate` storms do not delay it. A loop that runs one task, `nextTick`s or promises for ever is blocked.
 *
 * Silence is not read off the clock but added up, tick by tick, and a tick that says nothing about the worker adds nothing:
 *
 * - The tick itself came late: this process was busy, stopped, or the whole machine was suspended. The pong may lie unread.
 * - The worker is stopped (SIGSTOP, a debugger): somebody has it in hand. It begins anew when it goes on.
 * - The worker wants to run and gets little or no processor (see `answeredFor`).
 *
 * A worker that sleeps in a system call while it owes an answer uses no processor either, but that it does not need any is the
 * point: it waits synchronously (`execSync`, `Atomics.wait`, a dead network file system) and is blocked.
 */
export class Watchdog {
  readonly #setup: WatchdogSetup
  readonly #interval: Millis
  #id = 0
  /** Silence so far of the ping that is out; undefined when none is. */
  #silent: Millis | undefined
  #cpu: Millis | undefined
  #cancel: () => void = () => {}
  #closed = false

  constructor(setup: WatchdogSetup) {
    this.#setup = setup
    this.#interval = Math.min(longestInterval, Math.max(shortestInterval, setup.limit / 4))
    this.#ping()
  }

  /** The worker has answered. An answer to an earlier ping cannot be: only one is out at a time. */
  pong(id: number): void {
    if (id === this.#id) this.#silent = undefined
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  #ping(): void {
    this.#silent = 0
    this.#cpu = this.#setup.look()?.cpu
    this.#setup.ping(++this.#id)
    this.#next()
  }

  #next(): void {
    if (this.#closed) return
    const { clock, limit } = this.#setup
    // The last stretch is as long as what is missing, so that the limit is met and not the next tick after it.
    const stretch = Math.min(this.#interval, Math.max(shortestStretch, limit - (this.#silent ?? 0)))
    const from = clock.now()
    this.#cancel = clock.at(from + stretch, () => this.#tick(clock.now() - from, stretch))
  }

  #tick(elapsed: Millis, expected: Millis): void {
    if (this.#silent === undefined) {
      this.#ping()
      return
    }
    const { clock, limit, look, blocked } = this.#setup
    const main = look()
    if (main?.state === 'dead') {
      this.close() // its exit is on the way, and says more
      return
    }
    const cpu = main?.cpu
    if (main?.state === 'stopped') this.#silent = 0
    else if (isOnTime(elapsed, expected)) this.#silent += answeredFor(main, this.#cpu, elapsed)
    this.#cpu = cpu
    if (this.#silent < limit) {
      this.#next()
      return
    }
    const silent = Math.round(this.#silent)
    // One more turn of our own loop: the pong may have come while this tick was due, and is read only after it.
    this.#cancel = clock.at(clock.now(), () => {
      if (this.#silent === undefined) {
        this.#ping()
        return
      }
      this.close()
      blocked(silent)
    })
  }
}
