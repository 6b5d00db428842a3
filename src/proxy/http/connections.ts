// The connections to one upstream: those kept for the next request, and how long each has been idle.
import type { Agent, ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock, Millis } from '../../kernel/clock.ts'
import type { Upstream } from '../upstream.ts'

const http = process.getBuiltinModule('node:http')

/** So many are kept idle for an upstream. */
const mostIdle = 256
/** An upstream that says nothing of its own limit has hardly a shorter one; its `Keep-Alive: timeout` counts, less a second. */
const idleLimit: Millis = 30_000

/**
 * A request that cannot be sent twice goes out on a connection that was used a moment ago, or on a new one: upstreams close
 * connections that were idle for some seconds, and such a request must not meet that.
 */
const freshFor: Millis = 1000

export class Connections {
  /** Keeps connections for the next request. */
  readonly kept: Agent
  /** A connection for each request. */
  readonly single: Agent
  readonly #clock: Clock
  readonly #idleSince = new WeakMap<object, Millis>()

  constructor(upstream: Upstream, clock: Clock) {
    this.#clock = clock
    this.kept = new http.Agent({ keepAlive: true, maxFreeSockets: mostIdle, timeout: idleLimit })
    this.single = new http.Agent({ keepAlive: false })
    const keep = this.kept.keepSocketAlive.bind(this.kept)
    this.kept.keepSocketAlive = (socket) => {
      this.#idleSince.set(socket, clock.now())
      return keep(socket)
    }
    upstream.onRetired(() => {
      // What is under way finishes, and is not kept after that.
      this.kept.maxFreeSockets = 0
      this.dropIdle()
    })
  }

  /** Whether the upstream may be about to close the connection that a request was given. */
  isStale(request: ClientRequest, socket: Socket): boolean {
    if (!request.reusedSocket) return false
    return this.#clock.now() - (this.#idleSince.get(socket) ?? 0) > freshFor
  }

  dropIdle(): void {
    for (const sockets of Object.values(this.kept.freeSockets))
      for (const socket of sockets ?? []) socket.destroy()
  }
}
