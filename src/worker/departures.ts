// Connections on their way from this worker to a sibling: not read here any more, and not yet taken by the supervisor.
import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'

/** A connection as Node's HTTP server keeps it; one that was received and is not served has no server. */
type Held = Socket & { server?: HttpServer | null }

interface Leaving {
  readonly socket: Socket
  readonly server: HttpServer | null
  readonly gone: () => void
}

/** Sends a connection away; false when that is not possible. */
export type SendConnection = (key: string, id: number, socket: Socket) => boolean

export class Departures {
  readonly #send: SendConnection
  readonly #leaving = new Map<number, Leaving>()
  readonly #sockets = new Set<Socket>()
  #ids = 0
  #over = false

  constructor(send: SendConnection) {
    this.#send = send
  }

  /** Whether the supervisor can be sent connections: not once it is another than the one that started this process. */
  get possible(): boolean {
    return !this.#over
  }

  has(socket: Socket): boolean {
    return this.#sockets.has(socket)
  }

  /** An idle connection of an HTTP server goes. `gone`: it has arrived, or stays after all. False when it stays at once. */
  depart(key: string, socket: Socket, gone: () => void = () => {}): boolean {
    if (this.#over) return false
    const { server = null } = socket as Held // the types know of the server of any socket, not of which kind
    // Stops the reading of an HTTP connection at once: a request that arrives now waits in the kernel for its next reader.
    socket.pause()
    // With `server` set, Node would have the supervisor keep books of this connection for the server's `close`; without
    // it, a time-out that comes while the connection waits to leave would fail.
    socket.setTimeout(0)
    Object.assign(socket, { server: null })
    const id = this.#ids++
    this.#leaving.set(id, { socket, server, gone })
    this.#sockets.add(socket)
    if (this.#send(key, id, socket)) return true
    this.stay()
    return false
  }

  /** The supervisor has it: what is left here is only the shell of the connection. */
  taken(id: number): void {
    const leaving = this.#leaving.get(id)
    if (leaving === undefined) return
    this.#leaving.delete(id)
    this.#sockets.delete(leaving.socket)
    leaving.socket.destroy()
    leaving.gone()
  }

  /** Nobody is there to hand on to any more; what has not left finishes here. */
  stay(): void {
    this.#over = true
    const staying = [...this.#leaving.values()]
    this.#leaving.clear()
    this.#sockets.clear()
    for (const { socket, server, gone } of staying) {
      if (server === null)
        socket.destroy() // nobody here serves it either
      else {
        Object.assign(socket, { server })
        socket.setTimeout(server.keepAliveTimeout)
        socket.resume()
      }
      gone()
    }
  }
}
