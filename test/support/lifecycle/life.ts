// One app's lifecycle under a fake clock: takes events, lets time pass, and remembers nothing but the state.
import {
  type AppState,
  type Effect,
  type Event,
  initialState,
  type Policy,
} from '../../../src/supervisor/state.ts'
import { nextDeadline, step } from '../../../src/supervisor/step.ts'
import { effectWords, eventOf } from './words.ts'

/** Round numbers, each different, so that a test tells them apart. */
const usualPolicy: Policy = {
  restart: 'permanent',
  intensity: 3,
  period: 10_000,
  backoff: { from: 100, to: 1000 },
  readyTimeout: 5000,
  settle: 250,
  grace: 1000,
}

export class Life {
  now = 0
  state: AppState

  constructor(size: number, policy: Partial<Policy> = {}) {
    this.state = initialState({ ...usualPolicy, ...policy }, size)
  }

  send(event: Event): readonly Effect[] {
    const { state, effects } = step(this.state, event, this.now)
    this.state = state
    return effects
  }

  /** An event in words, or `wait 250`: time passes, with a tick at each deadline on the way. */
  do(words: string): string[] {
    const wait = /^wait (\d+)$/.exec(words)
    const effects = wait === null ? this.send(eventOf(words)) : this.#pass(Number(wait[1]))
    return effects.map(effectWords)
  }

  /** Every worker with its state, in the order of their births: `1:draining 2:ready`. */
  get workers(): string {
    return [...this.state.workers.values()].map(({ id, at }) => `${id}:${at}`).join(' ')
  }

  get slots(): string {
    return this.state.slots.map(({ at }) => at).join(' ')
  }

  #pass(length: number): Effect[] {
    const end = this.now + length
    const effects: Effect[] = []
    for (let at = nextDeadline(this.state); at !== undefined && at <= end; at = nextDeadline(this.state)) {
      this.now = Math.max(this.now, at)
      effects.push(...this.send({ type: 'tick' }))
    }
    this.now = end
    return effects
  }
}
