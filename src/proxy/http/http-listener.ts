// The server of a route in mode `http`.
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { breakOff } from '../break-off.ts'
import type { Listener } from '../listener.ts'
import { listenText, type Route } from '../route.ts'
import type { Surroundings } from '../surroundings.ts'
import { Exchange } from './exchange.ts'
import { foreignProtocolOf } from './foreign-protocol.ts'
import { Site } from './site.ts'
import { isUpgrade, passUpgrade } from './upgrade.ts'

const http = process.getBuiltinModule('node:http')

/** Longer than the usual 60 s of load balancers in front, so that it is they who close, and no request meets it. */
const keepAliveTimeout = 65_000

/** While draining, in milliseconds: how often idle connections are looked for, and how long one may be on its way with a request. */
const drainScan = { first: 500, every: 100 }

/** Milliseconds for a client that is not understood to read why, and go. */
const lingering = 1000

/** What Node's own server answers, by the code of the error. */
const refusals: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

export class HttpListener implements Listener {
  readonly server: HttpServer
  readonly #site: Site
  readonly #surroundings: Surroundings
  readonly #where: string
  /** The answer a connection is busy with, to know whether one of our own may be written. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>()
  /** The answer to the last request that has come on a connection. */
  readonly #last = new WeakMap<Duplex, ServerResponse>()
  readonly #upgraded = new Set<Socket>()
  #warned = false

  constructor(route: Route, surroundings: Surroundings) {
    this.#site = new Site(route, surroundings)
    this.#surroundings = surroundings
    this.#where = listenText(route.listen)
    this.server = http.createServer({
      keepAliveTimeout,
      // An upload may take its time: the route's own idle timeout ends one that stands still.
      requestTimeout: 0,
      // Behind answers that are still due there is no switching: the request is one like any other then.
      shouldUpgradeCallback: (request) => isUpgrade(request) && this.#due(request.socket) === undefined,
    })
    // Beyond a thousand Node would leave headers out without a word; what may come in all is limited by their length.
    this.server.maxHeadersCount = 0
    this.server.on('request', (request, response) => this.#pass(request, response))
    // Otherwise Node would say "continue" by itself, where the upstream would have said no.
    this.server.on('checkContinue', (request, response) => this.#pass(request, response))
    this.server.on('upgrade', (request, socket, head) => {
      const client = socket as Socket // of a server that listens on sockets alone
      client.on('error', () => {})
      this.#upgraded.add(client)
      client.once('close', () => this.#upgraded.delete(client))
      passUpgrade(this.#site, request, client, head)
    })
    this.server.on('clientError', (error, socket) => this.#misunderstood(error, socket))
  }

  update(route: Route): void {
    this.#site.update(route)
  }

  async drain(): Promise<void> {
    const { server } = this
    const closed = new Promise<void>((resolve) => server.once('close', () => resolve()))
    server.prependListener('request', closeAfter)
    server.prependListener('checkContinue', closeAfter)
    // Not `http.Server.close`: it ends idle connections at once, which may have a request on its way.
    Server.prototype.close.call(server)
    let timer = setTimeout(scan, drainScan.first)
    function scan(): void {
      server.closeIdleConnections()
      timer = setTimeout(scan, drainScan.every)
    }
    await closed
    clearTimeout(timer)
    this.#site.retire()
  }

  cut(): void {
    this.server.closeAllConnections()
    for (const socket of this.#upgraded) breakOff(socket)
  }

  /**
   * Pipelined requests one after the other (RFC 9112, 9.3.2): each may depend on what the one before has changed, and whoever
   * asks for a thousand things at once is not to get a thousand connections.
   */
  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const before = this.#due(socket)
    this.#last.set(socket, response)
    const begin = (): void => {
      this.#answers.set(socket, response)
      new Exchange(this.#site, request, response).begin()
    }
    if (before === undefined) return begin()
    // More can wait in the kernel.
    socket.pause()
    before.once('close', () => {
      if (socket.destroyed) return
      socket.resume()
      begin()
    })
  }

  /** The last answer of a connection that has yet to be finished. */
  #due(socket: Socket): ServerResponse | undefined {
    const answer = this.#last.get(socket)
    return answer === undefined || answer.closed ? undefined : answer
  }

  #misunderstood(error: Error & { code?: string; rawPacket?: Buffer }, socket: Duplex): void {
    // More of what was not understood before.
    if (socket.writableEnded && !socket.destroyed) return
    const answer = this.#answers.get(socket)
    const isFree = answer === undefined || answer.writableFinished || !answer.headersSent
    if (!socket.writable || error.code === 'ECONNRESET' || !isFree) return void socket.destroy()
    const foreign = answer === undefined ? foreignProtocolOf(error.rawPacket ?? Buffer.alloc(0)) : undefined
    if (foreign === undefined) {
      const status = refusals[error.code ?? ''] ?? '400 Bad Request'
      this.#sendAway(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    this.#sendAway(socket, foreign.goodbye)
    if (this.#warned) return
    this.#warned = true
    this.#surroundings.warn(
      `a client speaks ${foreign.name} on ${this.#where}, which is a route in mode 'http' and speaks plain HTTP/1: take mode 'tcp' to pass ${foreign.name} through`,
    )
  }

  /** Closing at once, with bytes unread, would be a reset, and could take the last words with it. */
  #sendAway(socket: Duplex, lastWords: string | Buffer): void {
    socket.end(lastWords)
    const { clock } = this.#surroundings
    const cancel = clock.at(clock.now() + lingering, () => socket.destroy())
    socket.once('close', cancel)
  }
}

function closeAfter(_request: unknown, response: ServerResponse): void {
  response.setHeader('Connection', 'close')
}
