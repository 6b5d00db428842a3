// The worker's two lines to its supervisor: framed messages on the control channel, handles on Node's IPC.
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { Channel } from '../wire/channel.ts'
import {
  asSupervisorMessage,
  type HandlePurpose,
  handlePurpose,
  type SupervisorMessage,
  type WorkerMessage,
} from '../wire/messages.ts'

const net = process.getBuiltinModule('node:net')

export interface LinkEvents {
  message(message: SupervisorMessage): void
  handle(purpose: HandlePurpose, socket: Socket): void
  /** The supervisor is gone. */
  lost(): void
}

export class SupervisorLink {
  readonly #channel: Channel<SupervisorMessage, WorkerMessage>
  readonly #control: Socket
  #waiting = 0

  constructor(fd: number, events: LinkEvents) {
    this.#control = new net.Socket({ fd })
    // Neither line may keep a program alive that has nothing else to do.
    this.#control.unref()
    this.#channel = new Channel<SupervisorMessage, WorkerMessage>(this.#control, asSupervisorMessage, {
      message: (message) => events.message(message),
      close: () => events.lost(),
    })
    interceptHandles((purpose, socket) => events.handle(purpose, socket))
  }

  send(message: WorkerMessage): void {
    this.#channel.send(message)
  }

  /** For a process about to die: what was sent leaves now. */
  flush(): void {
    this.#channel.flush()
  }

  /** Passes a connection to the supervisor; false when the program has closed the IPC line. */
  sendConnection(key: string, id: number, socket: Socket): boolean {
    if (!process.connected || process.send === undefined) return false
    process.send(
      { brood: { type: 'connection', key, id } satisfies HandlePurpose },
      socket,
      { keepOpen: false },
      () => {},
    )
    return true
  }

  /** Keeps the process alive while it waits for an answer; call the result when it is there. */
  hold(): () => void {
    if (this.#waiting++ === 0) this.#setReferenced(true)
    let held = true
    return () => {
      if (held && --this.#waiting === 0) this.#setReferenced(false)
      held = false
    }
  }

  #setReferenced(referenced: boolean): void {
    if (referenced) {
      this.#control.ref()
      process.channel?.ref()
    } else {
      this.#control.unref()
      if (programListens()) process.channel?.ref()
      else process.channel?.unref()
    }
  }
}

/** Node keeps a child alive while it listens for messages; only the program's own listeners may count. */
function programListens(): boolean {
  return process.listenerCount('message') > 1 || process.listenerCount('disconnect') > 0
}

/**
 * Takes brood's own messages off Node's IPC before the program's listeners see them. A 'message' listener must exist,
 * or Node queues what arrives; it would also keep the process alive, so the channel is referenced by hand.
 */
function interceptHandles(deliver: (purpose: HandlePurpose, socket: Socket) => void): void {
  if (process.channel === undefined) return
  const listen = (): void => {}
  process.on('message', listen)
  process.channel.unref()
  const follow = (): void => {
    if (!process.listeners('message').includes(listen)) process.on('message', listen) // removeAllListeners
    if (programListens()) process.channel?.ref()
    else process.channel?.unref()
  }
  const changed = (event: string | symbol): void => {
    if (event === 'message' || event === 'disconnect') process.nextTick(follow)
  }
  process.on('newListener', changed)
  process.on('removeListener', changed)

  const emitter: EventEmitter = process
  const emit = emitter.emit
  emitter.emit = function (this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') {
      const purpose = handlePurpose(args[0])
      if (purpose !== undefined) {
        if (args[1] instanceof net.Socket) deliver(purpose, args[1])
        return true
      }
    }
    return emit.call(this, event, ...args)
  }
}
