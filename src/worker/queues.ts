// The queues a worker takes from, of connections and of datagrams alike: its own slot's, and those it adopts for others.
import type { AnySocket } from '../wire/any-socket.ts'
import { isDatagramHandle } from '../wire/datagram-handle.ts'
import { type BackMessage, type HandlePurpose, isUdpKey, type WorkerMessage } from '../wire/messages.ts'
import { stopReading } from '../wire/stop-reading.ts'
import type { Datagrams } from './datagrams.ts'
import type { Held, HeldSockets } from './held-sockets.ts'
import type { Listening } from './listening.ts'
import type { ServedAddress } from './served.ts'
import type { ServedDatagrams } from './served-datagrams.ts'

export class Queues {
  readonly #app: string
  readonly #listening: Listening
  readonly #datagrams: Datagrams
  readonly #held: HeldSockets
  readonly #send: (message: WorkerMessage) => void

  constructor(
    app: string,
    listening: Listening,
    datagrams: Datagrams,
    held: HeldSockets,
    send: (message: WorkerMessage) => void,
  ) {
    this.#app = app
    this.#listening = listening
    this.#datagrams = datagrams
    this.#held = held
    this.#send = send
  }

  /** What the supervisor is told that a worker serves when it comes back. */
  get serving(): Pick<BackMessage, 'listening' | 'adopted'> {
    const serving = [...this.#listening.served, ...this.#datagrams.served].filter((one) => !one.isDraining)
    return {
      listening: serving.map(({ key }) => key),
      adopted: serving.flatMap(({ key, adopting }) => adopting.map((slot) => ({ key, slot }))),
    }
  }

  /** A socket has come: for a server that waits for it, to be kept for others, or to be accepted on as well. */
  take(purpose: HandlePurpose & { type: 'listen' | 'hold' | 'adopt' }, socket: AnySocket): void {
    switch (purpose.type) {
      case 'listen':
        if (isDatagramHandle(socket)) return this.#datagrams.give(purpose.request, purpose.key, socket)
        return this.#listening.give(purpose.request, purpose.key, socket, purpose.balanced === true)
      case 'hold':
        // Reading would fail on a socket that only listens, and close it.
        if (isDatagramHandle(socket) || stopReading(socket)) this.#held.keep({ ...purpose, socket })
        else socket.destroy()
        return
      case 'adopt':
        return this.#adopt(purpose.key, purpose.slot, socket)
    }
  }

  refuse(request: number, code: string, message: string): void {
    this.#datagrams.refuse(request, code, message)
    this.#listening.refuse(request, code, message)
  }

  /** Told by a supervisor that cannot send sockets here. */
  adoptKept(key: string, slot: number): void {
    const served = this.#servedAt(key)
    if (served?.isDraining === false && served.adopting.includes(slot))
      return this.#send({ type: 'adopted', key, slot, accepting: true })
    const isKept = this.#held.lend(this.#app, key, slot, (socket, closed) =>
      this.#adopt(key, slot, socket, closed),
    )
    if (!isKept) this.#send({ type: 'adopted', key, slot, accepting: false })
  }

  release(key: string, slot: number): void {
    // Two may accept from one queue; a socket that nobody keeps any more takes its queue with it.
    if (!this.#held.isLent(this.#app, key, slot)) this.#servedAt(key)?.release(slot)
  }

  #adopt(key: string, slot: number, socket: Held, closed?: () => void): void {
    if (!isUdpKey(key) && !isDatagramHandle(socket)) this.#listening.adopt(key, slot, socket, closed)
    if (isUdpKey(key) && (typeof socket === 'number' || isDatagramHandle(socket)))
      this.#datagrams.adopt(key, slot, socket, closed)
  }

  #servedAt(key: string): ServedAddress | ServedDatagrams | undefined {
    return isUdpKey(key) ? this.#datagrams.servedAt(key) : this.#listening.servedAt(key)
  }
}
