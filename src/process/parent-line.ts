// The parent's end of Node's IPC to one child.
import type { ChildProcess, Serializable } from 'node:child_process'
import type { Clock, Millis } from '../kernel/clock.ts'
import { Conversation, type ConversationLimits } from './conversation.ts'
import { guardIpc } from './ipc-guard.ts'
import { defaultMaxMessage } from './message-size.ts'
import { closedChannel } from './program-message.ts'
import type { Side } from './protocol.ts'

/** How long an exited child's last messages may be on their way, when something else still holds its channel open. */
const lastWordsWithin: Millis = 200

const keepOpen = { keepOpen: true }

/** Undefined when the child was started without `'ipc'`. */
export function converse<S extends Side>(
  child: ChildProcess,
  limits: ConversationLimits,
  clock: Clock,
): Conversation<S> | undefined {
  if (child.channel === undefined || child.channel === null) return undefined
  const conversation = new Conversation<S>(
    {
      send(message, handle, written) {
        // What cannot be serialised makes send() throw, which the conversation expects.
        if (handle === undefined && written === undefined) child.send(message as Serializable)
        else child.send(message as Serializable, handle, keepOpen, written)
      },
      // A child's messages are always read: replies are among them. They keep this process alive as Node does it.
      listen: () => nothing,
      hold: () => nothing,
    },
    limits,
    clock,
  )
  // What is no message is the child's fault and must not end this process.
  guardIpc(child, (error) => conversation.close(error), longestLine(limits))
  child.on('message', (message, handle) => {
    if (!conversation.take(message, handle)) conversation.deliver(message, handle)
  })
  child.once('disconnect', () =>
    conversation.close(closedChannel(`process ${child.pid} has ended or disconnected`)),
  )
  child.once('exit', () => {
    const gone = closedChannel(`process ${child.pid} has ended`)
    clock.at(clock.now() + lastWordsWithin, () => conversation.close(gone))
  })
  return conversation
}

function nothing(): void {}

/** The sender counts before it serialises, so what passed there may be somewhat longer here. Only JSON comes in lines. */
function longestLine({ serialization, maxMessage }: ConversationLimits): number {
  return serialization === 'json' ? 2 * Math.max(maxMessage, defaultMaxMessage) : Number.POSITIVE_INFINITY
}
