// Tells commands and webhooks what happens to apps, without ever holding up whoever tells.
import type { Hook } from '../../config/app-spec.ts'
import type { Clock, Millis } from '../../kernel/clock.ts'
import type { HookEvent, HookPlace } from './event.ts'
import { pause } from './pause.ts'
import { DeliveryQueue, type QueueSettings } from './queue.ts'

export interface HooksSettings {
  /** Of brood, for the User-Agent. */
  readonly version: string
  readonly clock: Clock
  /** One that nobody sets, for what waits. */
  readonly steady: Clock
  /** 0 to 1. */
  readonly random: () => number
  /** An event was given up for this hook. */
  readonly onFailed: (hook: Hook, event: HookEvent, why: string) => void
}

export class Hooks {
  readonly #settings: QueueSettings
  readonly #closing = new AbortController()
  readonly #ended = new AbortController()
  /** By app and target: the same hook of a new description goes on with its queue. */
  readonly #queues = new Map<string, DeliveryQueue>()

  constructor({ version, clock, steady, random, onFailed }: HooksSettings) {
    this.#settings = {
      version,
      clock,
      steady,
      random,
      onFailed: ({ hook, event }, why) => onFailed(hook, event, why),
      closing: this.#closing.signal,
      ended: this.#ended.signal,
    }
  }

  /** Passes the event to those of `hooks` that asked for it, and returns at once; after `close` to nobody. */
  tell(hooks: readonly Hook[], event: HookEvent, place: HookPlace): void {
    if (this.#closing.signal.aborted) return
    const asked = hooks.filter(({ on }) => on.includes(event.on))
    if (asked.length === 0) return
    // Loaded when first needed: it costs the supervisor some MB.
    const id = process.getBuiltinModule('node:crypto').randomUUID()
    for (const hook of asked) this.#queueOf(event.app, hook).push({ hook, event, place, id })
  }

  /** Gives what waits one more try each, for `within` altogether, then ends what runs. Settles when nothing is left. */
  async close(within: Millis = 2000): Promise<void> {
    this.#closing.abort()
    const { steady } = this.#settings
    const done = new AbortController()
    const finished = this.#finished().then(() => done.abort())
    await pause(steady, steady.now() + within, done.signal)
    this.#ended.abort()
    await finished
  }

  async #finished(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ running }) => running))
  }

  #queueOf(app: string, { run, post }: Hook): DeliveryQueue {
    const key = JSON.stringify([app, run, post])
    // A queue at rest has nothing to remember: events of one app may name other hooks tomorrow.
    for (const [other, queue] of this.#queues) {
      if (other !== key && queue.running === undefined) this.#queues.delete(other)
    }
    const queue = this.#queues.get(key) ?? new DeliveryQueue(this.#settings)
    this.#queues.set(key, queue)
    return queue
  }
}
