// One app's lifecycle under a fake clock: takes events, lets time pass, and remembers nothing but the state.

import { isLeaving, nextDeadline } from '../../../src/supervisor/phases.ts'
import {
  type AppState,
  type Effect,
  type Event,
  initialState,
  type Policy,
} from '../../../src/supervisor/state.ts'
import { step } from '../../../src/supervisor/step.ts'
import { effectWords, eventOf } from './words.ts'

/** Round numbers, each different, so that a test tells them apart. */
const usualPolicy: Policy = {
  restart: 'permanent',
  intensity: 3,
  period: 10_000,
  backoff: { from: 100, to: 1000, jitter: 0 },
  stopExitCodes: [],
  parallel: 1,
  readyTimeout: 5000,
  settle: 250,
  grace: 1000,
}

export class Life {
  now = 0
  state: AppState

  readonly #chance: number

  constructor(
    size: number,
    policy: Partial<Policy> = {},
    { chance = 0.5, wanted = 'stopped' }: { chance?: number | undefined; wanted?: AppState['wanted'] } = {},
  ) {
    this.#chance = chance
    this.state = initialState({ ...usualPolicy, ...policy }, size, 1, wanted)
  }

  send(event: Event): readonly Effect[] {
    const { state, effects } = step(this.state, event, this.now, this.#chance)
    this.state = state
    return effects
  }

  /**
   * An event in words; or `wait 250`: time passes, with a tick at each deadline on the way; or `maxAge 500`: the policy
   * changes in that alone.
   */
  do(words: string): string[] {
    const [, verb, number] = /^(wait|maxAge) (\d+)$/.exec(words) ?? []
    if (verb === 'wait') return this.#pass(Number(number)).map(effectWords)
    const event = verb === undefined ? eventOf(words) : this.#agingAt(Number(number))
    return this.send(event).map(effectWords)
  }

  /** Every worker with its state, in the order of their births: `1:draining 2:ready`. */
  get workers(): string {
    return [...this.state.workers.values()].map(({ id, at }) => `${id}:${at}`).join(' ')
  }

  get slots(): string {
    return this.state.slots.map(({ at }) => at).join(' ')
  }

  #agingAt(age: number): Event {
    const { policy } = this.state
    return { type: 'policy', policy: { ...policy, maxAge: { jitter: 0, ...policy.maxAge, age } } }
  }

  /** Every worker that stays with its release: `1:1 2:2`. */
  get releases(): string {
    const staying = [...this.state.workers.values()].filter((worker) => !isLeaving(worker))
    return staying.map(({ id, release }) => `${id}:${release}`).join(' ')
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
