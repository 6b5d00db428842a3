/** One simulated user: keeps at most one connection, asks on it, and reports how each request ended. */
import type { Answer } from './answer-reader.ts'
import { type Address, Connection } from './connection.ts'
import type { Outcome } from './outcome.ts'

export type ClientOptions = {
  readonly address: Address
  readonly answerTimeout: number
  /** How many requests to make; `Infinity` for no bound. */
  readonly requests: number
  readonly random: () => number
  readonly signal: AbortSignal
  readonly watcher: ClientWatcher
}

export type ClientWatcher = {
  connected(milliseconds: number): void
  closedIdle(): void
  ended(outcome: Outcome, milliseconds: number): void
}

export type Question = {
  /** The request, or its head when `body` sends the rest. */
  readonly request: string
  readonly body?: (connection: Connection) => Promise<void>
  /** Says what is wrong with a complete answer of status 200, or nothing. */
  readonly check?: (answer: Answer) => string | undefined
}

// Keeps a client from burning the CPU against a server that refuses at once.
const pauseAfterFailure = 10

export class Client {
  readonly random: () => number
  readonly #options: ClientOptions
  #connection: Connection | undefined
  #left: number
  #wake: (() => void) | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.random = options.random
    this.#left = options.requests
    options.signal.addEventListener('abort', () => this.#wake?.(), { once: true })
  }

  /** Whether another request is wanted. */
  get goesOn(): boolean {
    return this.#left > 0 && !this.#options.signal.aborted
  }

  async ask(question: Question): Promise<void> {
    const { watcher } = this.#options
    this.#left--
    const askedAt = performance.now()
    const connection = this.#openConnection()
    const answered = connection.ask(question.request)
    if (question.body) await Promise.all([answered, question.body(connection)])
    const outcome = await answered
    const judged = judge(outcome, question.check)
    watcher.ended(judged, performance.now() - askedAt)
    if (judged.is === 'success') return
    connection.close()
    await this.pause(pauseAfterFailure)
  }

  /** Waits, but not for a client that has nothing more to ask. */
  async pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0 || !this.goesOn) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }

  close(): void {
    this.#connection?.close()
  }

  #openConnection(): Connection {
    if (this.#connection?.isOpen) return this.#connection
    const { address, answerTimeout, watcher } = this.#options
    this.#connection = new Connection(address, answerTimeout, {
      connected: (milliseconds) => watcher.connected(milliseconds),
      closedIdle: () => watcher.closedIdle(),
      unasked: (why) => watcher.ended({ is: 'wrong', why }, 0),
    })
    return this.#connection
  }
}

function judge(outcome: Outcome, check: Question['check']): Outcome {
  if (outcome.is !== 'success') return outcome
  const { status } = outcome.answer.head
  const why = status === 200 ? check?.(outcome.answer) : `status ${status}`
  return why === undefined ? outcome : { is: 'wrong', why }
}
