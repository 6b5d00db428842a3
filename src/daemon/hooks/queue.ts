// The events that wait for one hook: told one at a time and in order, each tried several times.
import type { Clock, Millis } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import { bodyOf, type Delivery, type Outcome } from './event.ts'
import { pause } from './pause.ts'
import { post } from './post.ts'
import { nextTry, tries } from './retry.ts'
import { runCommand } from './run-command.ts'

/** More than a receiver that is down can make use of when it is back. */
const mostWaiting = 100
const tryTimeout: Millis = 10_000

export interface QueueSettings {
  readonly version: string
  readonly clock: Clock
  readonly steady: Clock
  /** 0 to 1. */
  readonly random: () => number
  readonly onFailed: (delivery: Delivery, why: string) => void
  /** Aborts when no more waiting is worth while: each event gets the try it is in, or its first. */
  readonly closing: AbortSignal
  /** Aborts when everything has to end. */
  readonly ended: AbortSignal
}

export class DeliveryQueue {
  readonly #settings: QueueSettings
  readonly #waiting: Delivery[] = []
  /** Events that found no room and were never told; the next one that is delivered says so. */
  #dropped = 0
  #running: Promise<void> | undefined

  constructor(settings: QueueSettings) {
    this.#settings = settings
  }

  /** Settles when nothing waits any more; undefined when nothing does. */
  get running(): Promise<void> | undefined {
    return this.#running
  }

  push(delivery: Delivery): void {
    this.#waiting.push(delivery)
    if (this.#waiting.length > mostWaiting) {
      const oldest = this.#waiting.shift()
      this.#dropped++
      // Told once, not for each: whoever crashes in a loop has enough to read.
      if (oldest !== undefined && this.#dropped === 1) {
        this.#settings.onFailed(oldest, `${mostWaiting} events wait already: the oldest are dropped`)
      }
    }
    this.#running ??= this.#deliverAll()
  }

  async #deliverAll(): Promise<void> {
    await Promise.resolve() // whoever tells is not held up, not even by a spawn
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#deliver(next)
    }
    this.#running = undefined
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { clock, steady, random, onFailed, closing, ended } = this.#settings
    for (let tried = 1; ; tried++) {
      if (ended.aborted) return onFailed(delivery, 'the supervisor ended before it was its turn')
      const dropped = this.#dropped
      const outcome = await this.#try(delivery, dropped)
      if (outcome.delivered) {
        this.#dropped -= dropped
        return
      }
      if (outcome.isFinal || tried === tries || closing.aborted) {
        const count = tried === 1 ? '' : ` (tried ${tried} times)`
        return onFailed(delivery, `${outcome.why}${count}`)
      }
      // A receiver may name a time of day; from there on nobody's setting of the clock makes the wait any longer.
      const now = clock.now()
      const wait = nextTry(now, tried, random(), outcome.retryAt) - now
      await pause(steady, steady.now() + wait, closing)
      if (closing.aborted)
        return onFailed(delivery, `${outcome.why} (the supervisor ended before the next try)`)
    }
  }

  async #try(delivery: Delivery, dropped: number): Promise<Outcome> {
    const { clock, steady, version, ended } = this.#settings
    const { hook, id } = delivery
    const over = new AbortController()
    const end = (): void => over.abort()
    const cancel = steady.at(steady.now() + tryTimeout, end)
    ended.addEventListener('abort', end)
    const deadline = {
      signal: over.signal,
      why: () => (ended.aborted ? 'the supervisor ended' : `it took longer than ${tryTimeout / 1000} s`),
    }
    const body = bodyOf(delivery, dropped)
    try {
      if (hook.run !== undefined) return await runCommand(hook.run, delivery, body, deadline, steady)
      if (hook.post !== undefined) return await post({ url: hook.post, body, id, version }, deadline, clock)
      return { delivered: false, why: 'the hook has neither a command nor an address', isFinal: true }
    } catch (error) {
      // A fault of ours costs this event, not the supervisor.
      return { delivered: false, why: messageOf(error), isFinal: true }
    } finally {
      cancel()
      ended.removeEventListener('abort', end)
    }
  }
}
