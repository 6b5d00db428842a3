// Looks after one living worker: whether it is ready, whether it is well, whether its loop turns, whether it has had its day.
import type { Clock, Millis } from '../kernel/clock.ts'
import { spread } from '../kernel/jitter.ts'
import { mainThreadOf } from '../process/main-thread.ts'
import { usageOf } from '../process/usage.ts'
import { hasInspector } from '../wire/inspector.ts'
import type { SupervisorMessage, WorkerMessage } from '../wire/messages.ts'
import type { AppSettings } from './app-settings.ts'
import { askerOf } from './probe.ts'
import { Prober } from './prober.ts'
import { Watchdog } from './watchdog.ts'
import { WorkerQuestions } from './worker-questions.ts'

/** For one question of a readiness probe. */
const readyTimeout: Millis = 1000
/** How often a worker's memory and requests are looked at, where they are limited. */
const lookEvery: Millis = 2000
/** What a worker that does not get ready is missing, as far as can be told from outside. */
const missing = {
  listening: 'its program does not listen; --ready says what else ready may mean',
  message: "its program has not called process.send('ready')",
  spawn: undefined,
  probe: undefined, // each try tells
}

export interface GuardEvents {
  ready(): void
  /** Its readiness probe has not had a good answer yet. */
  unready(problem: string): void
  /** It has failed its liveness probe too often. */
  unwell(reason: string): void
  /** Its loop has not turned for so long. */
  blocked(silent: Millis): void
  /** It is due to be replaced. */
  due(reason: string): void
}

/** What a worker has answered since it began to count: at its birth, or when it was first asked. */
export interface Served {
  readonly requests: number
  /** Answers with a status of 500 and more. */
  readonly errors: number
}

export class Guard {
  readonly #pid: number
  #settings: AppSettings
  readonly #send: (message: SupervisorMessage) => void
  readonly #clock: Clock
  readonly #random: number
  readonly #events: GuardEvents
  readonly #questions: WorkerQuestions
  #ready: Prober | undefined
  #live: Prober | undefined
  #watchdog: Watchdog | undefined
  #cancelLook: () => void = () => {}
  #isTrusted = false
  #served: Served = { requests: 0, errors: 0 }
  readonly #awaitingCount = new Set<() => void>()

  /** `random`, from 0 to below 1, spreads the limits. */
  constructor(
    pid: number,
    settings: AppSettings,
    send: (message: SupervisorMessage) => void,
    clock: Clock,
    random: number,
    events: GuardEvents,
  ) {
    this.#pid = pid
    this.#settings = settings
    this.#send = send
    this.#clock = clock
    this.#random = random
    this.#events = events
    this.#questions = new WorkerQuestions(send, clock)
  }

  get served(): Served {
    return this.#served
  }

  /** Its program is about to run: from now on it may become ready. */
  begun(): void {
    const { care, readyOn } = this.#settings
    const { ready } = care
    const lacks = missing[readyOn]
    if (lacks !== undefined && !this.#isTrusted) this.#events.unready(lacks)
    if (ready === undefined || this.#ready !== undefined) return
    const rhythm = { every: ready.every, timeout: readyTimeout }
    const ask = askerOf(ready.probe, this.#questions, this.#clock)
    const { ready: isReady, unready } = this.#events
    this.#ready = Prober.untilReady(ask, rhythm, this.#clock, isReady, unready)
  }

  /** It counts as ready. */
  trusted(): void {
    this.#isTrusted = true
    const { interpreter, nodeArgs, env } = this.#settings
    const { live, watchdog: limit, maxMemory, maxRequests } = this.#settings.care
    if (live !== undefined && this.#live === undefined) {
      const ask = askerOf(live.probe, this.#questions, this.#clock)
      this.#live = Prober.whileAlive(ask, live, this.#clock, (reason) => this.#events.unwell(reason))
    }
    // Who debugs a program stops its loop at will; a program that is not Node has none.
    const isWatched = limit > 0 && interpreter === undefined && !hasInspector(nodeArgs, env.NODE_OPTIONS)
    if (isWatched && this.#watchdog === undefined) {
      this.#watchdog = new Watchdog({
        limit,
        clock: this.#clock,
        ping: (id) => this.#send({ type: 'ping', id }),
        look: () => mainThreadOf(this.#pid),
        blocked: (silent) => this.#events.blocked(silent),
      })
    }
    if (maxMemory !== undefined || maxRequests !== undefined) this.#lookLater()
  }

  /** Other settings: what is watched is watched by them from now on. */
  adjust(settings: AppSettings): void {
    this.#settings = settings
    if (!this.#isTrusted) return
    this.leaving()
    this.#live = undefined
    this.#watchdog = undefined
    this.trusted()
  }

  /** It is on its way out, and may be as slow and as full as it likes. */
  leaving(): void {
    this.#isTrusted = false
    this.#ready?.close()
    this.#live?.close()
    this.#watchdog?.close()
    this.#cancelLook()
  }

  hear(message: WorkerMessage): void {
    if (message.type === 'pong') this.#watchdog?.pong(message.id)
    else if (message.type === 'probed') this.#questions.answered(message)
    else if (message.type === 'counted') {
      this.#served = message
      for (const settle of [...this.#awaitingCount]) settle()
    }
  }

  /** Asks how much it has served; the answer comes when it comes. */
  count(): void {
    if (this.#settings.interpreter === undefined) this.#send({ type: 'count' })
  }

  /** Asks, and waits for the answer; a worker that gives none within the time is answered for by what was known before. */
  counted(within: Millis): Promise<Served> {
    const { promise, resolve } = Promise.withResolvers<Served>()
    const settle = (): void => {
      this.#awaitingCount.delete(settle)
      stopTimer()
      resolve(this.#served)
    }
    const stopTimer = this.#clock.at(this.#clock.now() + within, settle)
    this.#awaitingCount.add(settle)
    this.count()
    return promise
  }

  close(): void {
    this.leaving()
    for (const settle of [...this.#awaitingCount]) settle()
    this.#questions.close()
  }

  #lookLater(): void {
    this.#cancelLook()
    this.#cancelLook = this.#clock.at(this.#clock.now() + lookEvery, () => {
      const reason = this.#excess()
      if (reason !== undefined) this.#events.due(reason)
      // It may be due and yet stay, when its successor does not get ready: so it is looked at again.
      this.#lookLater()
    })
  }

  #excess(): string | undefined {
    const { maxMemory, maxRequests, jitter } = this.#settings.care
    if (maxRequests !== undefined) {
      const { requests } = this.#served
      this.count()
      if (requests >= spread(maxRequests, jitter, this.#random)) {
        return `has answered ${requests} requests (maxRequests ${maxRequests})`
      }
    }
    const rss = maxMemory === undefined ? undefined : usageOf(this.#pid)?.rss
    if (maxMemory === undefined || rss === undefined || rss <= maxMemory) return undefined
    return `memory ${megabytes(rss)} over ${megabytes(maxMemory)}`
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
