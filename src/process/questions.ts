// The requests that one side has asked and that are not answered yet.
import type { Clock, Millis } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { type Envelope, kind, type Request } from './envelope.ts'
import { HandlerError } from './handler-error.ts'
import type { Outgoing, SendOptions } from './outgoing.ts'
import { checkProgramMessage } from './program-message.ts'

export interface RequestOptions extends SendOptions {
  /** Milliseconds until the request rejects with `timed_out`; Infinity: never. Default: the child's `requestTimeout`. */
  readonly timeout?: Millis
  /** Aborts the waiting; the handler's own signal aborts too. */
  readonly signal?: AbortSignal
}

interface Asked {
  readonly name: string
  readonly resolve: (value: unknown) => void
  readonly reject: (error: BroodError) => void
  readonly timeout: Millis
  readonly deadline: Millis
  readonly letGo: () => void
  readonly unlisten: (() => void) | undefined
}

export class Questions {
  readonly #outgoing: Outgoing
  readonly #defaultTimeout: Millis
  readonly #clock: Clock
  readonly #hold: () => () => void
  readonly #asked = new Map<number, Asked>()
  #lastId = 0
  /** One timer for all, at the earliest deadline: one each would be a twentieth of a round trip. */
  #nextLook: Millis = Number.POSITIVE_INFINITY
  #cancelLook: (() => void) | undefined

  constructor(outgoing: Outgoing, defaultTimeout: Millis, clock: Clock, hold: () => () => void) {
    this.#outgoing = outgoing
    this.#defaultTimeout = defaultTimeout
    this.#clock = clock
    this.#hold = hold
  }

  ask(name: string, value: unknown, options: RequestOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { timeout = this.#defaultTimeout, signal } = options
      if (value !== undefined) checkProgramMessage(value)
      if (signal?.aborted) throw abortedRequest(name, signal)
      const id = ++this.#lastId
      this.#outgoing.post({ [kind]: 'request', id, name, value } satisfies Request, value, options)
      const deadline = this.#clock.now() + timeout
      this.#asked.set(id, {
        name,
        resolve,
        reject,
        timeout,
        deadline,
        letGo: this.#hold(),
        unlisten: signal && this.#listen(id, name, signal),
      })
      this.#watch(deadline)
    })
  }

  settle(envelope: Exclude<Envelope, Request | { [kind]: 'cancel' }>): void {
    const asked = this.#remove(envelope.id)
    if (asked === undefined) return // it was given up
    if (envelope[kind] === 'reply') asked.resolve(envelope.value)
    else if (envelope[kind] === 'failure') asked.reject(new HandlerError(asked.name, envelope.error))
    else asked.reject(new BroodError(envelope.code, envelope.message))
    this.#rest()
  }

  close(error: BroodError): void {
    for (const id of [...this.#asked.keys()]) this.#remove(id)?.reject(error)
    this.#stopWatching()
  }

  #watch(deadline: Millis): void {
    if (deadline >= this.#nextLook) return
    this.#cancelLook?.()
    this.#nextLook = deadline
    this.#cancelLook = this.#clock.at(deadline, () => this.#look())
  }

  #look(): void {
    this.#stopWatching()
    const now = this.#clock.now()
    for (const [id, { name, timeout, deadline }] of this.#asked) {
      if (deadline <= now) this.#giveUp(id, lateRequest(name, timeout))
      else this.#watch(deadline)
    }
  }

  #stopWatching(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#nextLook = Number.POSITIVE_INFINITY
  }

  /** A timer keeps the process alive, so it goes with the last request; but not if the next follows at once. */
  #rest(): void {
    if (this.#asked.size > 0 || this.#cancelLook === undefined) return
    queueMicrotask(() => {
      if (this.#asked.size === 0) this.#stopWatching()
    })
  }

  #listen(id: number, name: string, signal: AbortSignal): () => void {
    const aborted = (): void => this.#giveUp(id, abortedRequest(name, signal))
    signal.addEventListener('abort', aborted, { once: true })
    return () => signal.removeEventListener('abort', aborted)
  }

  #giveUp(id: number, error: BroodError): void {
    this.#remove(id)?.reject(error)
    this.#rest()
    if (this.#outgoing.isOpen) this.#outgoing.post({ [kind]: 'cancel', id } satisfies Envelope, undefined)
  }

  #remove(id: number): Asked | undefined {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    asked?.letGo()
    asked?.unlisten?.()
    return asked
  }
}

function lateRequest(name: string, timeout: Millis): BroodError {
  return new BroodError(
    'timed_out',
    `no answer to '${name}' within ${timeout} ms: the other process is busy, or answers no requests at all`,
  )
}

function abortedRequest(name: string, signal: AbortSignal): BroodError {
  const why = messageOf(signal.reason)
  return new BroodError('aborted', `the request '${name}' was aborted: ${why}`, { cause: signal.reason })
}
