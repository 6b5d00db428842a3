// Questions to workers: `cluster.request` on the lines that brood/process draws, unseen by programs that listen for messages.
import type { Serializable } from 'node:child_process'
import type { Worker } from 'node:cluster'
import { type Clock, type Millis, systemClock } from '../kernel/clock.ts'
import { Conversation } from '../process/conversation.ts'
import { defaultMaxUnread } from '../process/inbox.ts'
import { guardIpc } from '../process/ipc-guard.ts'
import { defaultMaxMessage } from '../process/message-size.ts'
import { closedChannel } from '../process/program-message.ts'
import type { RequestOptions } from '../process/questions.ts'

const defaultTimeout: Millis = 30_000

/** The conversation with one worker, from the first question to its end. */
export class WorkerConversation {
  readonly #conversation: Conversation<never>

  constructor(worker: Worker, serialization: 'json' | 'advanced', clock: Clock = systemClock) {
    const child = worker.process
    this.#conversation = new Conversation<never>(
      {
        send(message, handle, written) {
          // What cannot be serialised makes send() throw, which the conversation expects.
          child.send(message as Serializable, handle, { keepOpen: true }, written)
        },
        listen: () => nothing,
        hold: () => nothing,
      },
      {
        serialization,
        maxMessage: defaultMaxMessage,
        maxUnread: defaultMaxUnread,
        requestTimeout: defaultTimeout,
      },
      clock,
    )
    const broken = (error: Error): void => {
      this.#conversation.close(closedChannel(`worker ${worker.id}: ${error.message}`))
      if (worker.listenerCount('error') > 0) worker.emit('error', error)
    }
    guardIpc(child, broken, serialization === 'json' ? undefined : Number.POSITIVE_INFINITY)
    const emit = child.emit
    // Before any listener: replies are no messages of the program.
    child.emit = ((event: string | symbol, ...args: unknown[]): boolean => {
      if (event === 'message' && this.#conversation.take(args[0], args[1])) return true
      return Reflect.apply(emit, child, [event, ...args])
    }) as typeof child.emit
    child.once('disconnect', () =>
      this.#conversation.close(closedChannel(`worker ${worker.id} has ended or disconnected`)),
    )
  }

  request(name: string, value: unknown, options: RequestOptions = {}): Promise<unknown> {
    return this.#conversation.ask(name, value, options)
  }
}

function nothing(): void {}
