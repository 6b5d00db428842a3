// The requests that one side answers: its handlers, and those that are at work.
import { BroodError } from '../kernel/errors.ts'
import { asRemoteError, type Envelope, kind, type Request } from './envelope.ts'
import type { Outgoing } from './outgoing.ts'
import { discardHandle, type Handle } from './sendable.ts'

export interface RequestContext {
  /** What was sent along; it belongs to the handler, who closes it. */
  readonly handle: Handle | undefined
  /** Aborts when the asking side gives up or is gone. */
  readonly signal: AbortSignal
}

export type Handler<Value, Reply> = (value: Value, context: RequestContext) => Reply | Promise<Reply>

// A handler's own types are those of the protocol; in the table all are alike.
type AnyHandler = Handler<never, unknown>

export class Answers {
  readonly #limit: number
  readonly #outgoing: Outgoing
  readonly #handlers = new Map<string, AnyHandler>()
  readonly #internal = new Map<string, AnyHandler>()
  readonly #working = new Map<number, Work>()
  /** Requests from before the program has said what it answers; it may still be starting. */
  #early: { request: Request; handle: Handle | undefined }[] | undefined = []

  constructor(outgoing: Outgoing, limit: number) {
    this.#outgoing = outgoing
    this.#limit = limit
  }

  add(name: string, handler: AnyHandler): () => void {
    if (typeof name !== 'string' || typeof handler !== 'function') {
      throw new BroodError('usage', 'answer(name, handler) takes a text and a function')
    }
    if (this.#handlers.has(name)) {
      throw new BroodError(
        'usage',
        `'${name}' is answered already: take the first handler back before giving another`,
      )
    }
    this.#handlers.set(name, handler)
    const early = this.#early
    this.#early = undefined
    // Programs name all that they answer in one go; the last of it is known when this turn is over.
    if (early !== undefined) setImmediate(() => this.#serveAll(early))
    return () => this.#handlers.delete(name)
  }

  addInternal(name: string, handler: AnyHandler): void {
    this.#internal.set(name, handler)
  }

  serve(request: Request, handle: Handle | undefined): void {
    const handler = this.#handlers.get(request.name) ?? this.#internal.get(request.name)
    if (handler !== undefined) {
      this.#work(handler, request, handle)
    } else if (this.#early !== undefined && this.#early.length < this.#limit) {
      this.#early.push({ request, handle })
    } else {
      discardHandle(handle)
      const known = [...this.#handlers.keys()].join(', ')
      this.#refuse(
        request.id,
        new BroodError('no_handler', `nothing answers '${request.name}'; answered are: ${known}`),
      )
    }
  }

  cancel(id: number): void {
    const early = this.#early?.findIndex(({ request }) => request.id === id) ?? -1
    if (early >= 0) for (const { handle } of this.#early?.splice(early, 1) ?? []) discardHandle(handle)
    this.#working.get(id)?.abort(new BroodError('aborted', 'the asking side no longer waits'))
  }

  close(error: BroodError): void {
    for (const { handle } of this.#early?.splice(0) ?? []) discardHandle(handle)
    for (const working of this.#working.values()) working.abort(error)
  }

  #serveAll(early: readonly { request: Request; handle: Handle | undefined }[]): void {
    for (const { request, handle } of early) this.serve(request, handle)
  }

  #work(handler: AnyHandler, request: Request, handle: Handle | undefined): void {
    const { id } = request
    const work = new Work(handle)
    try {
      const value: unknown = handler(request.value as never, work) // typed by the protocol
      // Without a promise there is nothing to wait for; a turn of the queue is part of a round trip.
      if (!isPromise(value)) return this.#answer({ [kind]: 'reply', id, value }, value)
      this.#working.set(id, work)
      value.then(this.#reply(id), this.#fail(id))
    } catch (error) {
      this.#answer({ [kind]: 'failure', id, error: asRemoteError(error) }, undefined)
    }
  }

  #reply(id: number): (value: unknown) => void {
    return (value) => {
      if (this.#isWanted(id)) this.#answer({ [kind]: 'reply', id, value }, value)
    }
  }

  #fail(id: number): (error: unknown) => void {
    return (error) => {
      if (this.#isWanted(id)) this.#answer({ [kind]: 'failure', id, error: asRemoteError(error) }, undefined)
    }
  }

  /** The work is done; false when nobody waits for it any more. */
  #isWanted(id: number): boolean {
    const work = this.#working.get(id)
    this.#working.delete(id)
    return work !== undefined && !work.isAborted
  }

  #answer(envelope: Envelope, content: unknown): void {
    try {
      this.#outgoing.post(envelope, content)
    } catch (error) {
      this.#refuse(envelope.id, error)
    }
  }

  #refuse(id: number, error: unknown): void {
    if (!(error instanceof BroodError && this.#outgoing.isOpen)) return
    this.#outgoing.post(
      { [kind]: 'refused', id, code: error.code, message: error.message } satisfies Envelope,
      '',
    )
  }
}

/** What a handler is given; its signal is made when it is asked for, since few handlers do. */
class Work implements RequestContext {
  readonly handle: Handle | undefined
  #controller: AbortController | undefined
  #reason: BroodError | undefined

  constructor(handle: Handle | undefined) {
    this.handle = handle
  }

  get isAborted(): boolean {
    return this.#reason !== undefined
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: BroodError): void {
    this.#reason ??= reason
    this.#controller?.abort(this.#reason)
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
