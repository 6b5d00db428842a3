// Time that passes only when a test says so; what is due happens in the order of its times.
import { setImmediate } from 'node:timers/promises'
import type { Clock, Millis } from '../../src/kernel/clock.ts'

interface Timer {
  at: Millis
  readonly callback: () => void
}

export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>()
  #now: Millis

  constructor(now: Millis = 0) {
    this.#now = now
  }

  now(): Millis {
    return this.#now
  }

  at(at: Millis, callback: () => void): () => void {
    const timer = { at: Math.max(at, this.#now), callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** How many callbacks are to come. */
  get waiting(): number {
    return this.#timers.size
  }

  /** Time passes, each callback at its time. What promises it settles do is done before the next. */
  async pass(length: Millis): Promise<void> {
    const end = this.#now + length
    for (;;) {
      await setImmediate()
      const next = [...this.#timers].toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#now = Math.max(this.#now, next.at)
      this.#timers.delete(next)
      next.callback()
    }
    this.#now = end
    await setImmediate()
  }

  /** So much time passes unseen: the process was stopped, or the machine suspended. What was due is late. */
  leap(length: Millis): void {
    this.#now += length
  }

  /** Somebody sets the clock: waits end as they would have, at another time of day. */
  set(by: Millis): void {
    this.#now += by
    for (const timer of this.#timers) timer.at += by
  }
}
