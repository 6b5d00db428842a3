// Worker half of share mode `balanced`: a server that listens without accepting; its connections come from the supervisor.
import type { Server, Socket } from 'node:net'
import { type BareHandle, bareHandleOf } from '../../wire/bare-handle.ts'

/** No timer waits longer; it only keeps the process alive, as a listening socket does. */
const longest = 2 ** 31 - 1

/** What `net.Server` needs of a handle. */
interface ServerHandle {
  listen(backlog: number): number
  close(closed?: () => void): void
  ref(): void
  unref(): void
  hasRef(): boolean
  getsockname?(out: object): number
  /** Set by the server. */
  onconnection?(status: number, client: BareHandle): void
}

/** Where Node's `listen` gets the handle in a cluster's worker, which is the one way that it offers. */
interface HandleGiver {
  _getServer?(server: Server, query: object, give: (error: number, handle: ServerHandle) => void): void
}

export class BalancedListener {
  /** The address's bound socket: it has the address, and copies of it are what the supervisor accepts on. */
  readonly #socket: Socket
  readonly #handle: ServerHandle
  #open = true

  constructor(socket: Socket) {
    this.#socket = socket
    this.#handle = this.#createHandle()
  }

  /** `listen` is Node's own, as it is called in a cluster's worker: it asks for a handle instead of making one. */
  listen(
    server: Server,
    listen: (server: Server, options: object) => void,
    backlog: number | undefined,
  ): void {
    const cluster = process.getBuiltinModule('node:cluster') as HandleGiver // the types leave it out
    const before = cluster._getServer
    cluster._getServer = (_server, _query, give) => give(0, this.#handle)
    try {
      // The port is only what Node compares the handle's with; 0 is not compared.
      listen(server, { port: 0, ...(backlog === undefined ? {} : { backlog }) })
    } finally {
      if (before === undefined) Reflect.deleteProperty(cluster, '_getServer')
      else cluster._getServer = before
    }
  }

  /** False when the server is closed. */
  take(client: BareHandle): boolean {
    if (!this.#open || this.#handle.onconnection === undefined) return false
    this.#handle.onconnection(0, client)
    return true
  }

  /** The bound socket, to be sent to the supervisor. */
  get queue(): BareHandle | undefined {
    return this.#open ? bareHandleOf(this.#socket) : undefined
  }

  #createHandle(): ServerHandle {
    const bound = bareHandleOf(this.#socket)
    const alive = setInterval(() => {}, longest)
    const close = (): void => {
      this.#open = false
      clearInterval(alive)
      this.#socket.destroy()
    }
    return {
      listen: () => 0,
      close(closed) {
        close()
        if (closed !== undefined) process.nextTick(closed)
      },
      ref: () => alive.ref(),
      unref: () => alive.unref(),
      hasRef: () => alive.hasRef(),
      ...(bound?.getsockname === undefined
        ? {}
        : { getsockname: (out: object) => bound.getsockname?.(out) ?? 0 }),
    }
  }
}
