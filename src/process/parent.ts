// The child's side: what a program started by `fork`, or by `spawn` with `'ipc'`, says to its parent.
import { BroodError } from '../kernel/errors.ts'
import type { Handler } from './answers.ts'
import type { Conversation, Incoming } from './conversation.ts'
import { peerRequest } from './introduction.ts'
import type { SendOptions } from './outgoing.ts'
import { converseWithParent } from './own-line.ts'
import { meetPeers } from './peer.ts'
import type { Answer, AnyProtocol, ChildSide, NameOf, Protocol, Question } from './protocol.ts'
import type { RequestOptions } from './questions.ts'

/** The parent as its child sees it; the same errors as on the other side, see `Child`. */
export interface Parent<P extends Protocol = AnyProtocol> {
  /** False without a parent that can be sent messages, too. */
  readonly isConnected: boolean
  /** Settles when the parent is gone or has disconnected; at once where there was none. */
  readonly disconnected: Promise<void>
  /** Settles when the message is written. */
  send(message: ChildSide<P>['sends'], options?: SendOptions): Promise<void>
  request<Name extends NameOf<ChildSide<P>['asks']>>(
    name: Name,
    value: Question<ChildSide<P>['asks'], Name>,
    options?: RequestOptions,
  ): Promise<Answer<ChildSide<P>['asks'], Name>>
  /** What the parent sends with `send`. While it is read, it keeps this process alive. */
  messages(): AsyncIterableIterator<Incoming<ChildSide<P>['receives']>> & AsyncDisposable
  /**
   * Answers the parent's requests of that name, and keeps this process alive until the result is called, or the channel
   * closes. Requests that come before the first call of `answer` wait for it, so name all in one go.
   */
  answer<Name extends NameOf<ChildSide<P>['answers']>>(
    name: Name,
    handler: Handler<Question<ChildSide<P>['answers'], Name>, Answer<ChildSide<P>['answers'], Name>>,
  ): () => void
  /** Closes the channel; a process that only waits for its parent ends then. */
  disconnect(): void
}

const conversation = converseWithParent<ChildSide<AnyProtocol>>()
if (conversation !== undefined) meetPeers((bring) => conversation.answerInternally(peerRequest, bring))

/**
 * The parent of this process. Its methods reject or throw `no_channel` where there is none.
 * ```ts
 * import { parent } from 'brood/process'
 * parent.answer('resize', async (file: string) => resize(file))
 * ```
 */
export const parent: Parent = {
  get isConnected() {
    return conversation?.isOpen ?? false
  },
  get disconnected() {
    return conversation?.closed ?? Promise.resolve()
  },
  send: async (message, options) => channel().send(message, options),
  request: async (name, value, options) => channel().request(name, value, options),
  messages: () => channel().messages(),
  answer: (name, handler) => channel().answer(name, handler),
  disconnect() {
    if (process.connected) process.disconnect?.()
  },
}

/** `parent` with the types of a protocol: `const parent = parentAs<Thumbnails>()`. */
export function parentAs<P extends Protocol>(): Parent<P> {
  // The same object: a protocol is types alone.
  return parent as unknown as Parent<P>
}

function channel(): Conversation<ChildSide<AnyProtocol>> {
  if (conversation !== undefined) return conversation
  throw new BroodError(
    'no_channel',
    "this process has no parent to talk to: start it with fork, or with 'ipc' in stdio",
  )
}
