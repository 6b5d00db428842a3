// Gives the program's `socket.bind(port)` of UDP the sockets the supervisor holds; those of clients stay the worker's own.
import type { Socket as DatagramSocket } from 'node:dgram'
import { closeSync } from 'node:fs'
import { openDatagram } from '../wire/any-socket.ts'
import { bindFlags, type DatagramHandle } from '../wire/datagram-handle.ts'
import { addressKey, isUdpKey, type UdpAddress } from '../wire/messages.ts'
import { ServedDatagrams } from './served-datagrams.ts'

const dgram = process.getBuiltinModule('node:dgram')
const { errorMonitor } = process.getBuiltinModule('node:events')

export interface DatagramsEvents {
  /** Asks the supervisor for a socket; the answer comes by `give` or `refuse`, with the number that this returns. */
  want(address: UdpAddress): number
  listening(key: string): void
  closed(key: string): void
  adopted(key: string, slot: number, accepting: boolean): void
  hold(): () => void
}

/** What Node's `bind` asks a cluster's primary. */
interface Query {
  /** Numeric. */
  readonly address: string
  readonly port: number | string | null
  readonly addressType: 'udp4' | 'udp6'
  /** libuv's. */
  readonly flags: number
}

/** Node's answer to the program: its socket goes on with the handle, or emits the error of that number. */
type Answer = (errno: number, handle?: DatagramHandle) => void

interface Pending {
  readonly socket: DatagramSocket
  readonly key: string
  readonly address: UdpAddress
  readonly answer: Answer
  readonly letGo: () => void
  /** The program has closed the socket meanwhile. */
  isClosed: boolean
}

type Bind = (this: DatagramSocket, ...args: unknown[]) => DatagramSocket

export class Datagrams {
  readonly #events: DatagramsEvents
  readonly #ownPorts: boolean
  readonly #sockets: Map<string, number>
  readonly #served = new Map<string, ServedDatagrams>()
  readonly #pending = new Map<number, Pending>()
  #over = false

  /**
   * `sockets`: address key → inherited descriptor of this slot's socket, of which those of UDP count here; `ownPorts`: a bind
   * to port 0 is none of the supervisor's business.
   */
  constructor(sockets: Record<string, number>, ownPorts: boolean, events: DatagramsEvents) {
    this.#sockets = new Map(Object.entries(sockets).filter(([key]) => isUdpKey(key)))
    this.#ownPorts = ownPorts
    this.#events = events
  }

  /**
   * From here on, sockets of this process bind through brood. Node's own `bind` reads the arguments, looks names up and reports
   * errors; for what is to be shared it asks `cluster._getServer`, as in a cluster's worker.
   */
  intercept(): void {
    const datagrams = this
    const original = dgram.Socket.prototype.bind as Bind
    dgram.Socket.prototype.bind = function (this: DatagramSocket, ...args: unknown[]) {
      return original.apply(this, datagrams.#isShared(args) ? args : alone(args))
    } as typeof dgram.Socket.prototype.bind
    Object.assign(process.getBuiltinModule('node:cluster'), {
      _getServer: (socket: DatagramSocket, query: Query, answer: Answer) => this.#bind(socket, query, answer),
    })
  }

  get served(): ServedDatagrams[] {
    return [...this.#served.values()]
  }

  /** What has been asked for and not been answered, by the number of the question. */
  get wanted(): [number, UdpAddress][] {
    return [...this.#pending].flatMap(([id, { address, isClosed }]) => (isClosed ? [] : [[id, address]]))
  }

  servedAt(key: string): ServedDatagrams | undefined {
    return this.#served.get(key)
  }

  /** `key`: the supervisor's, which differs when the program names a port it was once given as "any". */
  give(id: number, key: string, handle: DatagramHandle): void {
    const pending = this.#settle(id)
    if (pending === undefined || pending.isClosed) {
      handle.close()
      this.#events.closed(key) // it counts as ours since it was sent
      return
    }
    // Not within our own reading: what a listener of the program throws is the program's.
    process.nextTick(() => this.#serve(pending.socket, key, handle, pending.answer))
  }

  refuse(id: number, code: string, message: string): void {
    const pending = this.#settle(id)
    if (pending === undefined || pending.isClosed) return
    process.nextTick(() => fail(pending.socket, pending.answer, code, message))
  }

  /** Reads from another slot's socket of an address too; `closed`: that socket is closed again. */
  adopt(key: string, slot: number, socket: number | DatagramHandle, closed: () => void = () => {}): void {
    const served = this.#served.get(key)
    if (served === undefined || served.isDraining) {
      if (typeof socket === 'number') closeSync(socket)
      else socket.close()
      closed()
      this.#events.adopted(key, slot, false)
      return
    }
    served.adopt(slot, socket, (accepting) => this.#events.adopted(key, slot, accepting), closed)
  }

  /** Stops reading for good; what has been read is finished. */
  async drain(): Promise<void> {
    this.#over = true
    await Promise.all(this.served.map((one) => one.drain()))
  }

  /** A port that the program names is a server's; a socket that is bound only because it must be is a client's. */
  #isShared([first]: unknown[]): boolean {
    if (typeof first === 'object' && first !== null) {
      const { port, fd, exclusive, recvStart } = first as Record<string, unknown> // looked at, no more
      if (fd !== undefined || exclusive || recvStart !== undefined) return false
      return this.#isSharedPort(port)
    }
    return this.#isSharedPort(first)
  }

  #isSharedPort(port: unknown): boolean {
    const isNamed = (typeof port === 'number' || typeof port === 'string') && port !== ''
    // Of what is none Node makes something else.
    const isPort = isNamed && Number.isInteger(Number(port)) && Number(port) >= 0 && Number(port) <= 65_535
    return isPort && !(this.#ownPorts && Number(port) === 0)
  }

  #bind(socket: DatagramSocket, query: Query, answer: Answer): void {
    const address = this.#addressOf(query)
    if (address === undefined) {
      fail(socket, answer, 'EADDRINUSE', 'this program has bound it already')
      return
    }
    const key = addressKey(address)
    const fd = this.#sockets.get(key)
    if (fd !== undefined) {
      this.#sockets.delete(key) // closing the socket closes the descriptor, so it serves once
      this.#serve(socket, key, openDatagram(key, fd), answer)
      return
    }
    const id = this.#events.want(address)
    const pending: Pending = { socket, key, address, answer, letGo: this.#events.hold(), isClosed: false }
    this.#pending.set(id, pending)
    socket.once('close', () => {
      pending.isClosed = true
    })
  }

  /** Undefined when the program has that very port, and did not say that it is to be shared. */
  #addressOf({ address: host, port, flags }: Query): UdpAddress | undefined {
    const taken = new Set([...this.#served.keys(), ...[...this.#pending.values()].map(({ key }) => key)])
    const address = {
      kind: 'udp',
      host,
      port: Number(port),
      ipv6Only: (flags & bindFlags.ipv6Only) !== 0,
      reuseAddr: (flags & bindFlags.reuseAddr) !== 0,
      ordinal: 0,
    } satisfies UdpAddress
    while (taken.has(addressKey(address))) {
      if (address.port !== 0 && !address.reuseAddr) return undefined
      address.ordinal++
    }
    return address
  }

  #serve(socket: DatagramSocket, key: string, handle: DatagramHandle, answer: Answer): void {
    // Before the program's own listener. A socket that was closed meanwhile does not come to that.
    socket.prependOnceListener('listening', () => {
      const served = new ServedDatagrams(key, socket, handle)
      this.#served.set(key, served)
      socket.once('close', () => this.#closed(served))
      this.#events.listening(key)
      if (this.#over) void served.drain()
    })
    answer(0, handle)
  }

  #closed(served: ServedDatagrams): void {
    if (served.isDraining) return
    this.#served.delete(served.key)
    served.stopAdopting()
    this.#events.closed(served.key)
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined) return undefined
    this.#pending.delete(id)
    // The hold ends after the socket has its handle, which then keeps the process alive itself.
    process.nextTick(() => process.nextTick(pending.letGo))
    return pending
  }
}

/** What Node does outside a cluster. */
function alone(args: unknown[]): unknown[] {
  const [first, second] = args
  const callbacks = args.filter((argument) => typeof argument === 'function').slice(0, 1)
  if (typeof first === 'object' && first !== null) {
    return 'recvStart' in first ? args : [{ ...first, exclusive: true }, ...callbacks]
  }
  const port = typeof first === 'number' || typeof first === 'string' ? { port: Number(first) } : {}
  const address = typeof second === 'string' ? { address: second } : {}
  return [{ ...port, ...address, exclusive: true }, ...callbacks]
}

/** The error is Node's own; only its message tells more. */
function fail(socket: DatagramSocket, answer: Answer, code: string, message: string): void {
  socket.once(errorMonitor, (error: Error) => {
    error.message = `bind ${code}: ${message}`
  })
  answer(numberOf(code))
}

function numberOf(code: string): number {
  const names = process.getBuiltinModule('node:util').getSystemErrorMap()
  return [...names].find(([, [name]]) => name === code)?.[0] ?? -1
}
