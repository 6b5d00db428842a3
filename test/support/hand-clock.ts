// A clock that only the test moves, and that tells when somebody has begun to wait.
import type { Clock, Millis } from '../../src/kernel/clock.ts'

interface Timer {
  readonly at: Millis
  readonly callback: () => void
}

export class HandClock implements Clock {
  #now: Millis
  readonly #timers = new Set<Timer>()
  readonly #watchers = new Set<() => void>()

  constructor(now: Millis = Date.UTC(2030, 0, 1)) {
    this.#now = now
  }

  now(): Millis {
    return this.#now
  }

  at(at: Millis, callback: () => void): () => void {
    const timer = { at, callback }
    this.#timers.add(timer)
    for (const watcher of this.#watchers) watcher()
    return () => this.#timers.delete(timer)
  }

  /** Everybody's waits, in milliseconds from now, shortest first. */
  get waits(): Millis[] {
    return [...this.#timers].map(({ at }) => at - this.#now).toSorted((a, b) => a - b)
  }

  /** Moves to a time and calls whoever waits for one up to it, in order. */
  moveTo(time: Millis): void {
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= time).toSorted((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = time
  }

  advance(length: Millis): void {
    this.moveTo(this.#now + length)
  }

  /** Sets the time without anybody being called, as when the machine was asleep or somebody has set its clock. */
  set(time: Millis): void {
    this.#now = time
  }

  /** Calls the next one who waits, whatever the time is. */
  fire(): void {
    const next = [...this.#timers].toSorted((a, b) => a.at - b.at)[0]
    if (next === undefined) throw new Error('nobody waits')
    this.#timers.delete(next)
    next.callback()
  }

  /** Settles when somebody waits for just so long from now. */
  async waiting(length: Millis): Promise<void> {
    while (!this.waits.includes(length)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#watchers.add(resolve)
      await promise
      this.#watchers.delete(resolve)
    }
  }
}
