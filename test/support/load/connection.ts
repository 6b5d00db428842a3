/**
 * One TCP connection that asks one request at a time and tells exactly how each ended.
 *
 * It stands on `node:net`, because a pool (`http.Agent`, `fetch`) picks and drops connections by itself, and so hides
 * just the failures that this client is there to see.
 */
import net from 'node:net'
import { MalformedAnswer } from './answer-head.ts'
import { type Answer, AnswerReader } from './answer-reader.ts'
import type { Failure, Outcome } from './outcome.ts'

export type Address = { readonly host: string; readonly port: number }

/** What happens to a connection apart from its requests. */
export type ConnectionWatcher = {
  connected(milliseconds: number): void
  /** The server closed or reset the connection while no request was under way: legal, no request failed. */
  closedIdle(): void
  /** The server sent bytes although nothing was asked. */
  unasked(why: string): void
}

/** The client's own machine failed (no ports or descriptors left): the load proves nothing and has to stop. */
export class LoadClientError extends Error {}

type State =
  | { at: 'idle' }
  | { at: 'asking'; reader: AnswerReader; settle: (outcome: Outcome) => void; fail: (error: Error) => void }
  | { at: 'closed' }

// Shared by all connections: what is read is copied into a string before the next read can begin.
const readBuffer = Buffer.allocUnsafe(64 * 1024)

export class Connection {
  #state: State = { at: 'idle' }
  readonly #socket: net.Socket
  readonly #watcher: ConnectionWatcher
  readonly #answerTimeout: number
  /** Known once connected; kept, because a broken socket has forgotten it just when it is wanted. */
  #clientPort: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(address: Address, answerTimeout: number, watcher: ConnectionWatcher) {
    this.#watcher = watcher
    this.#answerTimeout = answerTimeout
    const openedAt = performance.now()
    this.#socket = net.connect({
      ...address,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length) => this.#onBytes(readBuffer.subarray(0, length)) },
    })
    this.#socket.once('connect', () => {
      this.#clientPort = this.#socket.localPort
      watcher.connected(performance.now() - openedAt)
    })
    this.#socket.once('end', () => this.#onEnd())
    this.#socket.on('error', (error) => this.#onError(error))
  }

  get isOpen(): boolean {
    return this.#state.at !== 'closed'
  }

  get isAsking(): boolean {
    return this.#state.at === 'asking'
  }

  /** Sends the request, or its head, and resolves when its answer is complete, or can't become so any more. */
  ask(request: string): Promise<Outcome> {
    if (this.#state.at !== 'idle') throw new Error(`can't ask on a connection that is ${this.#state.at}`)
    return new Promise((settle, fail) => {
      this.#state = { at: 'asking', reader: new AnswerReader(), settle, fail }
      this.#timer = setTimeout(() => this.#onTimeout(), this.#answerTimeout)
      this.#socket.write(request, 'latin1')
    })
  }

  /** Sends more of the request under way. */
  send(piece: Buffer): void {
    if (this.#state.at === 'asking') this.#socket.write(piece)
  }

  close(): void {
    this.#finish({ at: 'closed' })
  }

  #onBytes(bytes: Buffer): boolean {
    const state = this.#state
    if (state.at === 'asking') this.#read(state, bytes)
    else if (state.at === 'idle') {
      this.close()
      this.#watcher.unasked(`${bytes.length} bytes although nothing was asked`)
    }
    return true
  }

  #read(state: State & { at: 'asking' }, bytes: Buffer): void {
    let answer: Answer | undefined
    try {
      answer = state.reader.push(bytes)
    } catch (error) {
      if (!(error instanceof MalformedAnswer)) throw error
      this.close()
      state.settle({ is: 'wrong', why: error.message })
      return
    }
    if (!answer) return
    this.#finish({ at: answer.head.closes ? 'closed' : 'idle' })
    state.settle({ is: 'success', answer })
  }

  #onEnd(): void {
    const state = this.#state
    this.close()
    if (state.at === 'idle') this.#watcher.closedIdle()
    if (state.at !== 'asking') return
    const answer = state.reader.end()
    if (answer) state.settle({ is: 'success', answer })
    else state.settle({ is: 'reset', why: `closed ${this.#describeProgress(state.reader)}` })
  }

  #onError(error: NodeJS.ErrnoException): void {
    const state = this.#state
    this.close()
    if (state.at === 'idle') this.#watcher.closedIdle()
    if (state.at !== 'asking') return
    const why = `${error.code} ${this.#describeProgress(state.reader)}`
    const failure = failureOf(error.code)
    if (failure) state.settle({ is: failure, why })
    else state.fail(new LoadClientError(`the load client itself failed: ${error.message}`, { cause: error }))
  }

  #onTimeout(): void {
    const state = this.#state
    this.close()
    if (state.at !== 'asking') return
    const why = `gave up after ${this.#answerTimeout} ms, ${this.#describeProgress(state.reader)}`
    state.settle({ is: 'timeout', why })
  }

  #finish(next: { at: 'idle' | 'closed' }): void {
    clearTimeout(this.#timer)
    this.#state = next
    if (next.at === 'closed') this.#socket.destroy()
  }

  /** Names the client's port, which finds the connection again in a server's log or a packet trace. */
  #describeProgress(reader: AnswerReader): string {
    if (this.#clientPort === undefined) return 'before it was connected'
    return `${reader.describeProgress()}, client port ${this.#clientPort}`
  }
}

function failureOf(code: string | undefined): Failure | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refusal'
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return 'reset'
    case 'ETIMEDOUT':
      return 'timeout'
    default:
      return undefined
  }
}
