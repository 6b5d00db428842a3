// Gives the program's `server.listen(…)` the sockets the supervisor holds, in place of ones of its own.
import { closeSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { BalancedListener } from '../listen/balanced/worker-listener.ts'
import type { BareHandle } from '../wire/bare-handle.ts'
import { addressKey, type ListenAddress } from '../wire/messages.ts'
import { stopReading } from '../wire/stop-reading.ts'
import { asPrimary } from './cluster-face.ts'
import { absolutePath, type ListenRequest, parseListen } from './listen-arguments.ts'
import { closeQuietly, closesAfterAll } from './quiet-close.ts'
import { ServedAddress } from './served.ts'
import { listenOnUnixSocket } from './unix-listener.ts'
import { listenError, type Streams, type WantedEvents, WantedSockets } from './wanted-sockets.ts'

const net = process.getBuiltinModule('node:net')

/** What Node listens with when a program names none, or 0. */
const usualBacklog = 511

export interface ListeningEvents extends WantedEvents {
  listening(key: string, server: Server, backlog: number): void
  closed(key: string): void
  /** A server of the program listens on something that brood has no part in, and no other does yet. */
  alone(): void
  /** Another slot's queue is accepted from as well, or could not be. */
  adopted(key: string, slot: number, accepting: boolean): void
}

type OriginalListen = (this: Server, ...args: unknown[]) => Server
type OriginalClose = (this: Server, callback?: (error?: Error) => void) => Server

export class Listening {
  readonly #events: ListeningEvents
  readonly #sockets: Map<string, number>
  readonly #balanced: ReadonlySet<string>
  readonly #ownPorts: boolean
  readonly #listeners = new Map<string, BalancedListener>()
  readonly #served = new Map<string, ServedAddress>()
  /** What the program has closed itself, and has connections left of. */
  readonly #ending = new Map<Server, ServedAddress>()
  readonly #wanted: WantedSockets
  /** Servers whose host's name is looked up. */
  readonly #lookingUp = new Map<Server, ListenRequest>()
  readonly #listen = net.Server.prototype.listen as OriginalListen
  readonly #close = net.Server.prototype.close as OriginalClose
  #over = false

  /** `sockets`: address key → inherited descriptor of this slot's socket; `balanced`: those whose connections are sent. */
  constructor(
    sockets: Record<string, number>,
    balanced: readonly string[],
    ownPorts: boolean,
    events: ListeningEvents,
  ) {
    this.#ownPorts = ownPorts
    this.#balanced = new Set(balanced)
    this.#sockets = new Map(Object.entries(sockets))
    this.#events = events
    this.#wanted = new WantedSockets(events)
  }

  /** From here on, servers of this process listen through brood. */
  intercept(): void {
    const listening = this
    net.Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
      const request = parseListen(args)
      if (request !== undefined && !this.listening) {
        listening.#begin(this, request)
        return this
      }
      asPrimary(() => listening.#listen.apply(this, args)) // throws what is wrong
      this.prependOnceListener('listening', () => {
        if (listening.#served.size === 0) listening.#events.alone()
      })
      return this
    } as typeof net.Server.prototype.listen
    net.Server.prototype.close = function (this: Server, callback?: (error?: Error) => void): Server {
      if (!listening.#closing(this) || typeof callback !== 'function')
        return listening.#close.call(this, callback)
      // To the program it listens; Node would call that an error, for it has no handle.
      this.once('close', () => callback())
      return listening.#close.call(this)
    }
  }

  get served(): ServedAddress[] {
    return [...this.#served.values()]
  }

  /** All whose connections are to be finished. */
  get unfinished(): ServedAddress[] {
    return [...this.#served.values(), ...this.#ending.values()]
  }

  /** What has been asked for and not been answered, by the number of the question. */
  get wanted(): [number, ListenAddress][] {
    return this.#wanted.all
  }

  servedAt(key: string): ServedAddress | undefined {
    return this.#served.get(key)
  }

  /** A connection that the supervisor has accepted; false when nobody here serves its address any more. */
  takeClient(key: string, client: BareHandle): boolean {
    return this.#listeners.get(key)?.take(client) === true
  }

  /** The bound socket of a balanced address. */
  queueOf(key: string): BareHandle | undefined {
    return this.#listeners.get(key)?.queue
  }

  /** Accepts on another slot's socket of an address too; `closed`: the socket is closed again. */
  adopt(key: string, slot: number, socket: number | Socket, closed: () => void = () => {}): void {
    const served = this.#served.get(key)
    if (served === undefined || served.isDraining) {
      if (typeof socket === 'number') closeSync(socket)
      else socket.destroy()
      closed()
      this.#events.adopted(key, slot, false)
      return
    }
    served.adopt(slot, socket, (accepting) => this.#events.adopted(key, slot, accepting), closed)
  }

  /** Accepts on it already. */
  isAdopting(key: string, slot: number): boolean {
    const served = this.#served.get(key)
    return served !== undefined && !served.isDraining && served.adopting.includes(slot)
  }

  /** Stops accepting without Node's `http.Server.close`, which destroys idle connections and races with requests. */
  closeForDrain(server: Server, byProgram: boolean): Promise<void> {
    const isEnding = this.#ending.has(server)
    if (!byProgram && !isEnding) return closeQuietly(server, this.#close)
    return new Promise((resolve) => {
      server.once('close', () => resolve())
      if (!isEnding) this.#close.call(server)
    })
  }

  /** No further servers: what the program opens while it drains goes nowhere. */
  finish(): void {
    this.#over = true
  }

  /** `key`: the supervisor's, which differs when the program names a port it was once given as "any". */
  give(id: number, key: string, socket: Socket, balanced: boolean): void {
    const wanted = this.#wanted.settle(id)
    if (wanted === undefined) {
      socket.destroy()
      return
    }
    const { server, request, address } = wanted
    if (balanced) {
      stopReading(socket) // of a socket that is not connected it would fail, and close it
      this.#listenBalanced(server, key, socket, request)
      return
    }
    this.#accept(server, key, request, () => {
      if (address.kind === 'tcp') this.#listen.call(server, socket, request.backlog)
      else listenOnUnixSocket(server, socket, (fd) => this.#listen.call(server, { fd }, request.backlog))
    })
  }

  refuse(id: number, code: string, message: string): void {
    this.#wanted.refuse(id, code, message)
  }

  #begin(server: Server, request: ListenRequest): void {
    if (request.callback) server.once('listening', request.callback)
    if (request.signal?.aborted) process.nextTick(() => server.close())
    else request.signal?.addEventListener('abort', () => server.close(), { once: true })
    if (request.kind === 'unix') {
      this.#open(server, request, { kind: 'unix', path: absolutePath(request.path) ?? request.path })
    } else if (request.host === undefined || net.isIP(request.host) !== 0) {
      this.#open(server, request, this.#tcpAddress(request, request.host))
    } else {
      this.#lookUp(server, request, request.host)
    }
  }

  /** Of "any free port" the first that is not listened on: a program may ask for one again and again, and leave it. */
  #tcpAddress({ port, ipv6Only }: ListenRequest & { kind: 'tcp' }, host: string | undefined): Streams {
    const address = { kind: 'tcp', host, port, ipv6Only, ordinal: 0 } satisfies Streams
    while (port === 0 && this.#isTaken(addressKey(address))) address.ordinal++
    return address
  }

  #lookUp(server: Server, request: ListenRequest & { kind: 'tcp' }, name: string): void {
    const dns = process.getBuiltinModule('node:dns')
    this.#lookingUp.set(server, request)
    dns.lookup(name, (error, host) => {
      if (this.#lookingUp.get(server) !== request) return // closed meanwhile
      this.#lookingUp.delete(server)
      if (error) server.emit('error', error)
      else this.#open(server, request, this.#tcpAddress(request, host))
    })
  }

  #open(server: Server, request: ListenRequest, address: Streams): void {
    const key = addressKey(address)
    if (this.#isTaken(key)) {
      const error = listenError(address, 'EADDRINUSE', 'this program listens there already')
      process.nextTick(() => server.emit('error', error))
      return
    }
    const fd = this.#sockets.get(key)
    if (fd !== undefined) {
      this.#sockets.delete(key) // closing the server closes the descriptor, so it serves once
      if (this.#balanced.has(key)) {
        const socket = new net.Socket({ fd, readable: false, writable: false })
        this.#listenBalanced(server, key, socket, request)
        return
      }
      this.#accept(server, key, request, () => this.#listen.call(server, { fd }, request.backlog))
      return
    }
    this.#wanted.ask({ server, request, key, address })
  }

  #listenBalanced(server: Server, key: string, socket: Socket, request: ListenRequest): void {
    const listener = new BalancedListener(socket)
    this.#listeners.set(key, listener)
    listener.listen(server, (one, options) => this.#listen.call(one, options), request.backlog)
    this.#serve(server, key, request)
  }

  #isTaken(key: string): boolean {
    return this.#served.has(key) || this.#wanted.has(key)
  }

  #accept(server: Server, key: string, request: ListenRequest, listen: () => void): void {
    asPrimary(listen)
    this.#serve(server, key, request)
  }

  /** It listens: not with its `listening`, which does not come when the program closes it in the same turn. */
  #serve(server: Server, key: string, request: ListenRequest): void {
    if (!server.listening) return // Node reports why
    if (this.#over) {
      this.#close.call(server)
      return
    }
    const backlog = request.backlog || usualBacklog
    // By a descriptor Node does not learn the path of a unix socket.
    if (request.kind === 'unix') server.address = () => (server.listening ? request.path : null)
    this.#ending.delete(server)
    this.#served.set(key, new ServedAddress(key, server, { backlog, ownPorts: this.#ownPorts }))
    this.#events.listening(key, server, backlog)
  }

  /** The program closes a server itself; whether that listens to its knowledge, and not to Node's. */
  #closing(server: Server): boolean {
    const wasWanted = this.#wanted.forget(server)
    this.#lookingUp.delete(server)
    for (const [key, served] of this.#served) {
      if (served.server !== server || served.isDraining) continue
      this.#served.delete(key)
      served.stopAdopting()
      this.#events.closed(key)
      this.#ending.set(server, served)
      server.once('close', () => {
        if (this.#ending.get(server) === served) this.#ending.delete(server)
      })
    }
    return closesAfterAll(server) || wasWanted
  }
}
