// Asks one worker again and again whether it is well: until it is once, or until it is not several times in a row.
import type { Clock, Millis } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'

/** Settles with undefined when all is well, else with why not; keeps to the timeout by itself, and ends with the signal. */
export type Ask = (timeout: Millis, signal: AbortSignal) => Promise<string | undefined>

export interface Rhythm {
  /** From the answer to one question until the next question. */
  readonly every: Millis
  /** For each question. */
  readonly timeout: Millis
}

/** Tells whether to ask again. */
type Verdict = 'again' | 'enough'

export class Prober {
  readonly #ask: Ask
  readonly #rhythm: Rhythm
  readonly #judge: (problem: string | undefined) => Verdict
  readonly #clock: Clock
  #cancel: () => void = () => {}
  readonly #closing = new AbortController()

  private constructor(
    ask: Ask,
    rhythm: Rhythm,
    clock: Clock,
    judge: (problem: string | undefined) => Verdict,
  ) {
    this.#ask = ask
    this.#rhythm = rhythm
    this.#clock = clock
    this.#judge = judge
  }

  /** Asks at once, and goes on until the worker is well. */
  static untilReady(
    ask: Ask,
    rhythm: Rhythm,
    clock: Clock,
    ready: () => void,
    unready: (problem: string) => void = () => {},
  ): Prober {
    const prober = new Prober(ask, rhythm, clock, (problem) => {
      if (problem !== undefined) {
        unready(problem)
        return 'again'
      }
      ready()
      return 'enough'
    })
    prober.#question()
    return prober
  }

  /** Asks for the first time after `every`; ends with `failed` when so many questions in a row had no good answer. */
  static whileAlive(
    ask: Ask,
    rhythm: Rhythm & { readonly failures: number },
    clock: Clock,
    failed: (reason: string) => void,
  ): Prober {
    let failures = 0
    const prober = new Prober(ask, rhythm, clock, (problem) => {
      failures = problem === undefined ? 0 : failures + 1
      if (problem === undefined || failures < rhythm.failures) return 'again'
      failed(problem)
      return 'enough'
    })
    prober.#wait()
    return prober
  }

  /** Asks nothing more; an answer on its way counts no more. */
  close(): void {
    this.#closing.abort()
    this.#cancel()
  }

  #wait(): void {
    this.#cancel = this.#clock.at(this.#clock.now() + this.#rhythm.every, () => this.#question())
  }

  /** The next one waits for the answer to this one, so that a slow worker never has two at a time. */
  #question(): void {
    const { signal } = this.#closing
    this.#ask(this.#rhythm.timeout, signal)
      .catch(messageOf)
      .then((problem) => {
        if (signal.aborted) return
        if (this.#judge(problem) === 'enough') this.close()
        else if (!signal.aborted) this.#wait()
      })
  }
}
