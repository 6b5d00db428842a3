// The worker's two lines to its supervisor: framed messages on the control channel, handles on Node's IPC.
import type { Socket } from 'node:net'
import { Channel } from '../wire/channel.ts'
import { holdChannel, tapMessages } from '../wire/ipc-tap.ts'
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
    tapMessages({
      take(message, handle) {
        const purpose = handlePurpose(message)
        if (purpose === undefined) return false
        if (handle instanceof net.Socket) events.handle(purpose, handle)
        return true
      },
      closed() {},
    })
  }

  send(message: WorkerMessage): void {
    this.#channel.send(message)
  }

  /** For a process about to die: what was sent leaves now. */
  flush(): void {
    this.#channel.flush()
  }

  /** Passes a connection to the supervisor, which says when it has it; false when the program has closed the IPC line. */
  sendConnection(key: string, id: number, socket: Socket): boolean {
    if (!process.connected || process.send === undefined) return false
    process.send(
      { brood: { type: 'connection', key, id } satisfies HandlePurpose },
      socket,
      { keepOpen: true },
      () => {},
    )
    return true
  }

  /** Keeps the process alive while it waits for an answer; call the result when it is there. */
  hold(): () => void {
    if (this.#waiting++ === 0) this.#control.ref()
    const release = holdChannel()
    let held = true
    return () => {
      if (!held) return
      held = false
      release()
      if (--this.#waiting === 0) this.#control.unref()
    }
  }
}
