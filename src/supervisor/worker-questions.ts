// Puts a probe's question to one worker over its control channel and waits for the answer.
import type { Clock, Millis } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import type { SupervisorMessage, WorkerMessage } from '../wire/messages.ts'

/** Beyond the time the worker has: its own answer says more than that none came. */
const wayBack: Millis = 100

export class WorkerQuestions {
  readonly #send: (message: SupervisorMessage) => void
  readonly #clock: Clock
  readonly #open = new Map<number, (problem: string | undefined) => void>()
  #asked = 0

  constructor(send: (message: SupervisorMessage) => void, clock: Clock) {
    this.#send = send
    this.#clock = clock
  }

  /** Asks the worker to ask its own server. Undefined when all is well, else why not; never rejects. */
  ask(path: string, timeout: Millis): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const id = this.#asked++
    const settle = (problem: string | undefined): void => {
      this.#open.delete(id)
      stopTimer()
      resolve(problem)
    }
    // A blocked worker cannot even keep its own time.
    const stopTimer = this.#clock.at(this.#clock.now() + timeout + wayBack, () =>
      settle(`no answer within ${formatDuration(timeout)}`),
    )
    this.#open.set(id, settle)
    this.#send({ type: 'probe', id, path, within: timeout })
    return promise
  }

  /** Answers nobody asked for, or too late, are dropped. */
  answered({ id, problem }: WorkerMessage & { type: 'probed' }): void {
    this.#open.get(id)?.(problem)
  }

  /** The worker is gone: what is open is answered with that. */
  close(): void {
    for (const settle of [...this.#open.values()]) settle('the worker has ended')
  }
}
