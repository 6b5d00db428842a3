// The server of a route in mode `tcp`: whatever is spoken passes through.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { breakOff } from '../break-off.ts'
import { join } from '../join.ts'
import type { Listener } from '../listener.ts'
import { noteFailure, noteReached } from '../reachability.ts'
import { connectTimeout, reasonOf } from '../reason.ts'
import { type Route, usualConnectTimeout } from '../route.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Upstream } from '../upstream.ts'
import { Upstreams } from '../upstreams.ts'

export class TcpListener implements Listener {
  readonly server: Server
  readonly #surroundings: Surroundings
  readonly #upstreams: Upstreams
  readonly #clients = new Set<Socket>()
  #route: Route

  constructor(route: Route, surroundings: Surroundings) {
    this.#route = route
    this.#surroundings = surroundings
    this.#upstreams = new Upstreams(surroundings.clock)
    this.update(route)
    // Paused: nothing is read of a client before there is somebody to give it to.
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      this.#clients.add(client)
      client.once('close', () => this.#clients.delete(client))
      client.on('error', () => {}) // reported by `close`, too
      this.#pass(client, new Set())
    })
  }

  update(route: Route): void {
    this.#route = route
    this.#upstreams.update(route.algorithm, route.upstreams)
  }

  async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve())
    })
    this.#upstreams.update(this.#route.algorithm, [])
  }

  cut(): void {
    for (const client of this.#clients) breakOff(client)
  }

  #pass(client: Socket, tried: Set<Upstream>): void {
    const upstream = this.#upstreams.pick(client.remoteAddress, tried)
    // There is no other way to tell a client of an unknown protocol that nobody is there.
    if (upstream === undefined) return void breakOff(client)
    tried.add(upstream)
    const { clock } = this.#surroundings
    const { connect: within = usualConnectTimeout, idle = 0 } = this.#route.timeouts ?? {}
    const began = clock.now()
    const { host, port } = upstream
    const server = connect({ host, port, allowHalfOpen: true, noDelay: true })
    upstream.begun()
    // For the connection alone: a server of an unknown protocol may be silent as long as it likes.
    const wait = upstream.awaited()
    const cancelTimer =
      within > 0 ? clock.at(began + within, () => server.destroy(connectTimeout())) : () => {}
    const failed = (error: Error): void => {
      noteFailure(upstream, reasonOf(error), this.#surroundings)
      if (!client.destroyed) this.#pass(client, tried)
    }
    const gone = (): void => void server.destroy()
    client.once('close', gone)
    server.once('error', failed)
    server.once('close', () => {
      cancelTimer()
      wait.over()
      upstream.ended()
      client.off('close', gone)
    })
    server.once('connect', () => {
      cancelTimer()
      server.off('error', failed)
      client.off('close', gone)
      noteReached(upstream, this.#surroundings)
      upstream.responded(clock.now() - began)
      wait.answered()
      join(client, server, idle)
    })
  }
}
