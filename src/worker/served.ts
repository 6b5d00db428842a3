// One server of the program that brood gave its socket to: its own queue, queues it took in, connections handed to it.
import type { Http2Session } from 'node:http2'
import type { BlockList, DropArgument, Server, Socket } from 'node:net'
import { idleConnections, isHttpServer, speaksHttp } from './idle-connections.ts'

const net = process.getBuiltinModule('node:net')

/**
 * How long an HTTP/2 session must have been silent before it is told to go, in milliseconds: a request that crosses the
 * GOAWAY on its way is refused. Node offers no shutdown notice, which would let it in.
 */
const sessionSilence = 100

/** The options a `net.Server` accepts connections with; they are properties of the server, unseen by its types. */
type AcceptOptions = {
  allowHalfOpen?: boolean
  pauseOnConnect?: boolean
  noDelay?: boolean
  keepAlive?: boolean
  keepAliveInitialDelay?: number
  highWaterMark?: number
  blockList?: BlockList
}

/** Milliseconds before Node would answer an unused connection with 408; it is closed silently by then. */
const marginBeforeHeadersTimeout = 1000

export interface ServedOptions {
  /** What the server listens with. */
  readonly backlog: number
  /** Whether each slot has a port of its own: who comes by that of another is to go back there next time. */
  readonly ownPorts?: boolean
}

export class ServedAddress {
  readonly key: string
  readonly server: Server
  readonly #backlog: number
  /** Connections that came by the port of another slot; undefined where that does not matter. */
  readonly #guests: WeakSet<Socket> | undefined
  #sendsGuestsBack = false
  readonly #adopters = new Map<number, Server>()
  /** Adopters that accept no longer, with connections that they accepted before. */
  readonly #released = new Set<Server>()
  readonly #handedOn = new Set<Socket>()
  readonly #sessions = new Map<Http2Session, { bytes: number; since: number }>()
  #draining = false
  /** Resolves the wait for the last handed-on connection. */
  #onHandedOnGone: (() => void) | undefined

  constructor(key: string, server: Server, { backlog, ownPorts = false }: ServedOptions) {
    this.key = key
    this.#backlog = backlog
    this.#guests = ownPorts ? new WeakSet() : undefined
    this.server = server
    if (isHttp2Server(server)) {
      server.on('session', (session: Http2Session) => {
        this.#sessions.set(session, { bytes: 0, since: performance.now() })
        session.once('close', () => this.#sessions.delete(session))
      })
    }
  }

  /** Whether idle connections can go on in another worker. */
  get canHandOn(): boolean {
    return speaksHttp(this.server)
  }

  /** Accepts from another slot's queue too, as if the program's own server did; `closed`: the socket is closed again. */
  adopt(
    slot: number,
    socket: number | Socket,
    settled: (accepting: boolean) => void,
    closed: () => void,
  ): void {
    const { server } = this
    const accepting: AcceptOptions = server as Server & AcceptOptions
    const options = {
      allowHalfOpen: accepting.allowHalfOpen,
      pauseOnConnect: accepting.pauseOnConnect,
      noDelay: accepting.noDelay,
      keepAlive: accepting.keepAlive,
      keepAliveInitialDelay: accepting.keepAliveInitialDelay,
      highWaterMark: accepting.highWaterMark,
      blockList: accepting.blockList,
    }
    const adopter = net.createServer(withoutUndefined(options))
    // Of this queue alone, so that it is not taken without a limit; the program may change it.
    Object.defineProperty(adopter, 'maxConnections', { get: () => server.maxConnections })
    adopter.on('drop', (data?: DropArgument) => void server.emit('drop', data))
    adopter.on('connection', (socket) => {
      this.#welcome(socket)
      this.server.emit('connection', socket)
    })
    adopter.once('listening', () => settled(true))
    adopter.once('close', closed)
    adopter.on('error', () => {
      // Of a single connection, when no descriptor is left, say; the queue goes on.
      if (adopter.listening) return
      this.#adopters.delete(slot)
      closed()
      settled(false)
    })
    this.release(slot)
    this.#adopters.set(slot, adopter)
    // Of a socket that listens already it changes the length of the queue, for everybody.
    adopter.listen(typeof socket === 'number' ? { fd: socket } : socket, this.#backlog)
    adopter.unref() // the program's own server decides whether the process stays
  }

  /** A proxy would keep the connection as one of the slot whose port it called. */
  #welcome(guest: Socket): void {
    const guests = this.#guests
    if (guests === undefined) return
    if (!this.#sendsGuestsBack && isHttpServer(this.server))
      announceClose(this.server, (socket) => guests.has(socket))
    this.#sendsGuestsBack = true
    guests.add(guest)
  }

  release(slot: number): void {
    const adopter = this.#adopters.get(slot)
    this.#adopters.delete(slot)
    if (adopter === undefined) return
    this.#released.add(adopter)
    adopter.once('close', () => this.#released.delete(adopter))
    adopter.close()
  }

  /** The other slots whose queues it serves. */
  get adopting(): number[] {
    return [...this.#adopters.keys()]
  }

  stopAdopting(): void {
    for (const slot of [...this.#adopters.keys()]) this.release(slot)
  }

  /** Goes on with a keep-alive connection that another worker began. */
  take(socket: Socket): void {
    // Node makes received sockets half-open never; an HTTP client may end its side and still wait for the answer.
    socket.allowHalfOpen = (this.server as Server & AcceptOptions).allowHalfOpen ?? false
    this.#handedOn.add(socket)
    socket.once('close', () => {
      this.#handedOn.delete(socket)
      if (this.#handedOn.size === 0) this.#onHandedOnGone?.()
    })
    this.server.emit('connection', socket)
    this.#closeIfUnused(socket)
  }

  /** Stops accepting everywhere; the connections stay. Settles when the last of them is gone. */
  drain(closeServer: (server: Server) => Promise<void>): Promise<void> {
    this.#draining = true
    if (isHttpServer(this.server) || isHttp2Server(this.server)) announceClose(this.server, () => true)
    const gone = [closeServer(this.server)]
    this.stopAdopting()
    for (const adopter of this.#released) gone.push(closed(adopter))
    // Connections may still arrive that were handed on before the supervisor knew of this drain.
    return Promise.all(gone).then(() => this.#handedOnGone())
  }

  /** Connections that can move to another worker at this moment. */
  idle(): Socket[] {
    return isHttpServer(this.server) ? idleConnections(this.server) : []
  }

  /** Connections that are idle, and would be no worse off in another worker. */
  spare(): Socket[] {
    if (this.#draining || !this.canHandOn || !isHttpServer(this.server)) return []
    const { keepAliveTimeout } = this.server
    // There it would be closed before its time, and that could meet a request.
    if (keepAliveTimeout === 0 || keepAliveTimeout > this.#unusedFor) return []
    // One that has not been used here may have come from another worker just now.
    return idleConnections(this.server).filter(({ bytesRead }) => bytesRead > 0)
  }

  /** How many connections are open here, whichever way they came. */
  async connections(): Promise<number> {
    const accepting = [this.server, ...this.#adopters.values(), ...this.#released]
    const accepted = await Promise.all(accepting.map(connectionsOf))
    return accepted.reduce((sum, count) => sum + count, this.#handedOn.size)
  }

  /** Ends what is idle, where nobody is there to take it. */
  closeIdle(): void {
    if (isHttpServer(this.server)) for (const socket of idleConnections(this.server)) socket.destroy()
    else if (servesHttp1Too(this.server)) this.server.closeIdleConnections()
  }

  /** Tells HTTP/2 sessions to go that have nothing on its way here, or all with `busyToo`; their open streams finish. */
  closeSessions(busyToo: boolean): void {
    const now = performance.now()
    for (const [session, seen] of this.#sessions) {
      const bytes = session.socket?.bytesRead ?? 0
      if (bytes !== seen.bytes) this.#sessions.set(session, { bytes, since: now })
      const silent = bytes === seen.bytes && now - seen.since >= sessionSilence
      if ((silent || busyToo) && !session.closed) session.close()
    }
  }

  get isDraining(): boolean {
    return this.#draining
  }

  #handedOnGone(): Promise<void> {
    if (this.#handedOn.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onHandedOnGone = resolve
    })
  }

  /** How long a handed-on connection may stay unused. */
  get #unusedFor(): number {
    if (!isHttpServer(this.server)) return Infinity
    const { keepAliveTimeout, headersTimeout } = this.server
    const limits = [keepAliveTimeout > 0 ? keepAliveTimeout : Infinity]
    limits.push(headersTimeout > 0 ? Math.max(1, headersTimeout - marginBeforeHeadersTimeout) : Infinity)
    return Math.min(...limits)
  }

  /**
   * Node times an idle connection out from its last answer, which this process never gave, and would answer an unused
   * one with 408 after `headersTimeout`. So an unused connection is closed silently when either would be due.
   */
  #closeIfUnused(socket: Socket): void {
    const limit = this.#unusedFor
    if (limit === Infinity) return
    const timer = setTimeout(() => {
      if (socket.bytesRead === 0) socket.destroy()
    }, limit)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error === null ? count : 0))
  })
}

function isHttp2Server(server: Server): boolean {
  return 'updateSettings' in server
}

/** A secure HTTP/2 server, which may have clients that speak HTTP/1 (`allowHTTP1`). */
function servesHttp1Too(server: Server): server is Server & { closeIdleConnections(): void } {
  return isHttp2Server(server) && 'closeIdleConnections' in server
}

/** Every HTTP/1 answer from now on, on such connections, tells its client to use another connection next time. */
function announceClose(server: Server, applies: (socket: Socket) => boolean): void {
  const announce = (
    request: { socket: Socket; httpVersionMajor: number },
    response: { headersSent: boolean; setHeader(name: string, value: string): void },
  ) => {
    if (request.httpVersionMajor > 1 || response.headersSent) return
    if (applies(request.socket)) response.setHeader('Connection', 'close')
  }
  // A server of HTTP/2 without one has streams alone; the first would make Node prepare each for it.
  if (isHttpServer(server) || server.listenerCount('request') > 0) server.prependListener('request', announce)
  // With a listener of its own for `Expect: 100-continue`, a server sees such requests only there.
  if (server.listenerCount('checkContinue') > 0) server.prependListener('checkContinue', announce)
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.once('close', () => resolve())
  })
}

function withoutUndefined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
