// Both sides' half of a conversation over Node's IPC: messages, and requests with their replies.
import type { Clock, Millis } from '../kernel/clock.ts'
import type { BroodError } from '../kernel/errors.ts'
import { Answers, type Handler } from './answers.ts'
import { asEnvelope, isWrapped, kind } from './envelope.ts'
import { Inbox } from './inbox.ts'
import { Outgoing, type SendOptions, type SendOverLine } from './outgoing.ts'
import { checkProgramMessage } from './program-message.ts'
import type { Answer, NameOf, Question, Side } from './protocol.ts'
import { Questions, type RequestOptions } from './questions.ts'
import { discardHandle, type Handle } from './sendable.ts'

/** One end of Node's IPC: a child as its parent holds it, or the process itself. */
export interface Line {
  readonly send: SendOverLine
  /** From now on the program's messages are to be delivered; the result ends that. */
  listen(): () => void
  /** Keeps this process alive until the result is called. */
  hold(): () => void
}

export interface ConversationLimits {
  readonly serialization: 'json' | 'advanced'
  /** Bytes. */
  readonly maxMessage: number
  readonly maxUnread: number
  readonly requestTimeout: Millis
}

/** A message as it arrived. A `handle` belongs to the receiver, who closes it. */
export interface Incoming<Message> {
  readonly message: Message
  readonly handle: Handle | undefined
}

export class Conversation<S extends Side> {
  readonly #line: Line
  readonly #limits: ConversationLimits
  readonly #outgoing: Outgoing
  readonly #questions: Questions
  readonly #answers: Answers
  readonly #closed = Promise.withResolvers<void>()
  readonly #inboxes = new Set<Inbox<Incoming<S['receives']>>>()
  /** What arrives before anybody reads is for the first reader. */
  #first: Inbox<Incoming<S['receives']>> | undefined
  #stopListening: (() => void) | undefined

  constructor(line: Line, limits: ConversationLimits, clock: Clock) {
    this.#line = line
    this.#limits = limits
    this.#outgoing = new Outgoing(line.send, limits.maxMessage, limits.serialization)
    this.#questions = new Questions(this.#outgoing, limits.requestTimeout, clock, line.hold)
    this.#answers = new Answers(this.#outgoing, limits.maxUnread)
    this.#first = this.#newInbox()
  }

  get isOpen(): boolean {
    return this.#outgoing.isOpen
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async send(message: S['sends'], options: SendOptions = {}): Promise<void> {
    checkProgramMessage(message)
    await this.#outgoing.send(message, options)
  }

  request<Name extends NameOf<S['asks']>>(
    name: Name,
    value: Question<S['asks'], Name>,
    options: RequestOptions = {},
  ): Promise<Answer<S['asks'], Name>> {
    // What comes back is as the other side's handler typed it; the protocol is a promise between the two programs.
    return this.ask(name, value, options) as Promise<Answer<S['asks'], Name>>
  }

  ask(name: string, value: unknown, options: RequestOptions): Promise<unknown> {
    return this.#questions.ask(name, value, options)
  }

  /** Every reader gets every message from the moment it begins; the first also what arrived before. */
  messages(): AsyncIterableIterator<Incoming<S['receives']>> & AsyncDisposable {
    const inbox = this.#first ?? this.#newInbox()
    this.#first = undefined
    this.#inboxes.add(inbox)
    this.#stopListening ??= this.#line.listen()
    if (!this.isOpen) setImmediate(() => this.#endInboxes()) // what had arrived before the end is delivered until then
    return inbox
  }

  answer<Name extends NameOf<S['answers']>>(
    name: Name,
    handler: Handler<Question<S['answers'], Name>, Answer<S['answers'], Name>>,
  ): () => void {
    const takeBack = this.#answers.add(name, handler)
    const release = this.isOpen ? this.#line.hold() : () => {}
    return () => {
      takeBack()
      release()
    }
  }

  /** For brood's own requests: no program's handlers are looked for, and the process is not kept alive. */
  answerInternally(name: string, handler: Handler<unknown, unknown>): void {
    this.#answers.addInternal(name, handler)
  }

  /** True when `message` was an envelope. */
  take(message: unknown, handle: unknown): boolean {
    if (!isWrapped(message)) return false
    const envelope = asEnvelope(message)
    if (envelope?.[kind] === 'request') {
      this.#answers.serve(envelope, handle as Handle | undefined) // Node passes no other
      return true
    }
    if (handle !== undefined) discardHandle(handle)
    if (envelope?.[kind] === 'cancel') this.#answers.cancel(envelope.id)
    else if (envelope !== undefined) this.#questions.settle(envelope)
    return true
  }

  /** One of the program's own messages. */
  deliver(message: unknown, handle: unknown): void {
    const incoming = { message, handle } as Incoming<S['receives']> // as the protocol says, see request()
    if (this.#first !== undefined) return this.#first.push(incoming)
    if (this.#inboxes.size === 0) discardHandle(handle)
    for (const inbox of this.#inboxes) inbox.push(incoming)
  }

  close(error: BroodError): void {
    if (!this.isOpen) return
    this.#outgoing.close(error)
    this.#questions.close(error)
    this.#answers.close(error)
    this.#first?.end()
    this.#endInboxes()
    this.#closed.resolve()
  }

  #newInbox(): Inbox<Incoming<S['receives']>> {
    const inbox: Inbox<Incoming<S['receives']>> = new Inbox(this.#limits.maxUnread, {
      drop: ({ handle }) => discardHandle(handle),
      left: () => {
        this.#inboxes.delete(inbox)
        if (this.#inboxes.size === 0) this.#endInboxes()
      },
    })
    return inbox
  }

  #endInboxes(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
    for (const inbox of this.#inboxes) inbox.end()
    this.#inboxes.clear()
  }
}
