// Runs the pure lifecycle: events in, effects out, one timer, and those who wait for an outcome.
import type { Clock } from '../kernel/clock.ts'
import { nextDeadline } from './phases.ts'
import type { AppState, Effect, Event, Notice } from './state.ts'
import { step } from './step.ts'

export type Outcome = Notice['type']

export interface LifecycleEvents {
  perform(effect: Exclude<Effect, { type: 'notice' }>): void
  notice(notice: Notice): void
  /** After every event and all its effects. */
  settled(): void
}

export class Lifecycle {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #events: LifecycleEvents
  readonly #queue: Event[] = []
  readonly #waiting = new Set<{ outcomes: readonly Outcome[]; resolve: (notice: Notice) => void }>()
  #state: AppState
  #performing = false
  #cancelTimer: () => void = () => {}

  constructor(state: AppState, clock: Clock, random: () => number, events: LifecycleEvents) {
    this.#state = state
    this.#random = random
    this.#clock = clock
    this.#events = events
  }

  get state(): AppState {
    return this.#state
  }

  /**
   * Effects can cause events (a spawn that fails at once); they are taken one after the other, never nested. What throws is a
   * fault of ours and is thrown in the end: first everything else is done, so that nobody goes unsupervised because of it.
   */
  take(event: Event): void {
    this.#queue.push(event)
    if (this.#performing) return
    this.#performing = true
    const faults: unknown[] = []
    const attempt = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        faults.push(error)
      }
    }
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { state, effects } = step(this.#state, next, this.#clock.now(), this.#random())
      this.#state = state
      for (const effect of effects) attempt(() => this.#perform(effect))
    }
    this.#performing = false
    attempt(() => this.#events.settled())
    this.#arm()
    if (faults.length > 0) throw faults[0]
  }

  #perform(effect: Effect): void {
    if (effect.type === 'notice') this.#tell(effect.notice)
    else this.#events.perform(effect)
  }

  /** Takes the event and settles with the first notice of one of these types. */
  takeUntil(event: Event, outcomes: readonly Outcome[]): Promise<Notice> {
    const notice = this.until(outcomes)
    this.take(event)
    return notice
  }

  /** Settles with the next notice of one of these types. */
  until(outcomes: readonly Outcome[]): Promise<Notice> {
    return new Promise((resolve) => this.#waiting.add({ outcomes, resolve }))
  }

  close(): void {
    this.#cancelTimer()
  }

  #tell(notice: Notice): void {
    this.#events.notice(notice)
    for (const waiting of [...this.#waiting]) {
      if (!waiting.outcomes.includes(notice.type)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(notice)
    }
  }

  #arm(): void {
    this.#cancelTimer()
    const at = nextDeadline(this.#state)
    this.#cancelTimer = at === undefined ? () => {} : this.#clock.at(at, () => this.take({ type: 'tick' }))
  }
}
