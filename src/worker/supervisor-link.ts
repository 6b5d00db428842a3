// The worker's two lines to its supervisor: framed messages on the control channel, handles on Node's IPC.
import type { Socket } from 'node:net'
import type { AnySocket } from '../wire/any-socket.ts'
import { type BareHandle, type HandleSender, isBareHandle } from '../wire/bare-handle.ts'
import { Channel } from '../wire/channel.ts'
import { isDatagramHandle } from '../wire/datagram-handle.ts'
import { holdChannel, tapMessages } from '../wire/ipc-tap.ts'
import {
  asSupervisorMessage,
  type BackMessage,
  type HandlePurpose,
  handlePurpose,
  type SupervisorMessage,
  type WorkerMessage,
} from '../wire/messages.ts'
import { keepUnsent, replaceChannel } from './lost-channel.ts'

const net = process.getBuiltinModule('node:net')

/** How many messages of the program are kept for a supervisor to come. */
const mostUnsaid = 1000

/** Node itself calls `process.disconnect` when the other end has closed the line. */
function calledByNode(): boolean {
  const [, , caller] = process.getBuiltinModule('node:util').getCallSites(3)
  return caller?.scriptName === 'node:internal/child_process'
}

export interface LinkEvents {
  message(message: SupervisorMessage): void
  handle(purpose: HandlePurpose, socket: AnySocket): void
  /** A connection that nobody has begun to read. */
  client(key: string, client: BareHandle): void
  /** The supervisor is gone. */
  lost(): void
}

export class SupervisorLink {
  readonly #events: LinkEvents
  #channel: Channel<SupervisorMessage, WorkerMessage | BackMessage>
  #control: Socket
  /** What the program said while nobody was there to hear it. */
  #unsaid: WorkerMessage[] = []
  #waiting = 0
  #leftByProgram = false
  readonly #outlives: boolean

  /** `outlives`: the worker goes on without its supervisor. */
  constructor(fd: number, outlives: boolean, events: LinkEvents) {
    this.#events = events
    this.#outlives = outlives
    this.#control = new net.Socket({ fd })
    this.#channel = this.#open(this.#control)
    tapMessages({
      take(message, handle) {
        const purpose = handlePurpose(message)
        if (purpose === undefined) return false
        if (purpose.type === 'client' && isBareHandle(handle)) events.client(purpose.key, handle)
        else if (handle instanceof net.Socket || isDatagramHandle(handle)) events.handle(purpose, handle)
        return true
      },
      closed: () => this.#outlive(),
    })
    keepUnsent(
      (message) => this.send({ type: 'said', message }),
      () => this.#outlives && !this.#leftByProgram,
    )
    const { disconnect } = process
    process.disconnect = () => {
      this.#leftByProgram ||= !calledByNode()
      disconnect?.call(process)
    }
  }

  /** Goes on with another supervisor. */
  reopen(socket: Socket, back: BackMessage): void {
    this.#control = socket
    this.#channel = this.#open(socket)
    if (this.#waiting > 0) socket.ref()
    this.#channel.send(back)
    for (const message of this.#unsaid.splice(0)) this.#say(message)
  }

  send(message: WorkerMessage): void {
    if (message.type !== 'said') this.#channel.send(message)
    else if (this.#channel.isOpen) this.#say(message)
    else if (this.#unsaid.length < mostUnsaid) this.#unsaid.push(message)
  }

  /** What is too long for a frame was none too long for Node's IPC: the program, which knows of neither, is not to hear of it. */
  #say(message: WorkerMessage): void {
    try {
      this.#channel.send(message)
    } catch {
      // A supervisor looks for one short word in it, and for nothing else.
    }
  }

  /** For a process about to die: what was sent leaves now. */
  flush(): void {
    this.#channel.flush()
  }

  /** Passes a connection to the supervisor, which says when it has it; false when the program has closed the IPC line. */
  sendConnection(key: string, id: number, socket: Socket): boolean {
    if (process.channel === undefined || process.channel === null || process.send === undefined) return false
    process.send(
      { brood: { type: 'connection', key, id } satisfies HandlePurpose },
      socket,
      { keepOpen: true },
      () => {},
    )
    return true
  }

  /** Sends a bare handle; false when the program has closed the IPC line, or the supervisor that began it is gone. */
  sendBare(
    purpose: HandlePurpose & { type: 'client' | 'queue' },
    handle: BareHandle,
    sent: () => void,
  ): boolean {
    if (process.channel === undefined || process.channel === null || process.send === undefined) return false
    const send = process.send.bind(process) as unknown as HandleSender // Node sends bare handles too
    send({ brood: purpose }, handle, undefined, sent)
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

  /** Node's IPC has ended: because the program wanted it, or with the supervisor, which the program is not to notice. */
  #outlive(): boolean {
    if (this.#leftByProgram || !this.#outlives) return false
    replaceChannel(
      (message) => this.send({ type: 'said', message }),
      () => {
        this.#leftByProgram = true
      },
    )
    return true
  }

  #open(socket: Socket): Channel<SupervisorMessage, WorkerMessage | BackMessage> {
    // Neither line may keep a program alive that has nothing else to do.
    socket.unref()
    return new Channel(socket, asSupervisorMessage, {
      message: (message) => this.#events.message(message),
      close: () => this.#events.lost(),
    })
  }
}
