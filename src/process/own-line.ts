// The child's end of Node's IPC: this process itself, as its parent's counterpart.
import { systemClock } from '../kernel/clock.ts'
import { holdChannel, tapMessages } from '../wire/ipc-tap.ts'
import { Conversation } from './conversation.ts'
import { defaultMaxUnread } from './inbox.ts'
import { defaultMaxMessage } from './message-size.ts'
import { closedChannel } from './program-message.ts'
import type { Side } from './protocol.ts'

const requestTimeout = 30_000

const keepOpen = { keepOpen: true }

/** Undefined in a process that was started without a message channel. */
export function converseWithParent<S extends Side>(): Conversation<S> | undefined {
  if (process.channel === undefined || process.channel === null) return undefined
  const conversation: Conversation<S> = new Conversation<S>(
    {
      send(message, handle, written) {
        if (process.send === undefined) return written?.(closedChannel('this process has disconnected'))
        // Without a function to call, Node would throw a failure at the program.
        process.send(message, handle, keepOpen, written ?? nothing)
      },
      // Like a listener of the program: it keeps the process alive, and what came earlier has waited for it.
      listen() {
        const deliver = (message: unknown, handle: unknown): void => conversation.deliver(message, handle)
        process.on('message', deliver)
        return () => process.off('message', deliver)
      },
      hold: holdChannel,
    },
    // Node does not tell a child how its messages are serialised; counted as 'advanced' none is found too large wrongly.
    { serialization: 'advanced', maxMessage: defaultMaxMessage, maxUnread: defaultMaxUnread, requestTimeout },
    systemClock,
  )
  tapMessages({
    take: (message, handle) => conversation.take(message, handle),
    closed() {
      conversation.close(closedChannel('the parent has ended or disconnected'))
      return false
    },
  })
  return conversation
}

function nothing(): void {}
