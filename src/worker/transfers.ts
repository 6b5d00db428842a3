// Connections that move between this worker and its siblings while both go on: those that come, go back, or are given away.
import type { Socket } from 'node:net'
import type { AnySocket } from '../wire/any-socket.ts'
import { isDatagramHandle } from '../wire/datagram-handle.ts'
import type { WorkerMessage } from '../wire/messages.ts'
import { stopReading } from '../wire/stop-reading.ts'
import type { Departures } from './departures.ts'
import type { Listening } from './listening.ts'
import { Shedding } from './shedding.ts'

export class Transfers {
  readonly #listening: Listening
  readonly #departures: Departures
  readonly #send: (message: WorkerMessage) => void
  #shedding: Shedding | undefined
  #received = 0
  #over = false

  constructor(listening: Listening, departures: Departures, send: (message: WorkerMessage) => void) {
    this.#listening = listening
    this.#departures = departures
    this.#send = send
  }

  /** One has come from a sibling. */
  receive(key: string, socket: AnySocket): void {
    if (isDatagramHandle(socket)) return socket.close()
    this.#received++
    const served = this.#listening.servedAt(key)
    // Also while draining: it was on its way before the word came, and goes on from here with the next look.
    if (served === undefined) this.#sendBack(key, socket)
    else served.take(socket)
  }

  /** Tells how many are open, and how many came from siblings. */
  tell(id: number): void {
    const counts = this.#listening.served.map((served) => served.connections())
    Promise.all(counts).then((all) => {
      const open = all.reduce((sum, count) => sum + count, 0)
      this.#send({ type: 'connections', id, open, received: this.#received })
    })
  }

  /** Gives up to `count` of these addresses' connections away. */
  shed(id: number, count: number, keys: readonly string[]): void {
    this.stop()
    const done = (handed: number): void => this.#send({ type: 'shed', id, handed })
    if (this.#over) return done(0)
    const served = this.#listening.served.filter(({ key }) => keys.includes(key))
    this.#shedding = new Shedding({ count, served, departures: this.#departures, done })
  }

  /** No more are given away for now. */
  stop(): void {
    this.#shedding?.end()
    this.#shedding = undefined
  }

  /** None are from now on: the worker leaves, and that has ways of its own. */
  end(): void {
    this.#over = true
    this.stop()
  }

  /** The server that it was for has been closed while it was on its way: it is for somebody else. */
  #sendBack(key: string, socket: Socket): void {
    socket.on('error', () => {})
    if (!stopReading(socket) || !this.#departures.depart(key, socket)) socket.destroy()
  }
}
