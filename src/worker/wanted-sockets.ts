// Servers of the program that wait for a socket which the supervisor was asked for.
import type { Server } from 'node:net'
import type { ListenAddress, UdpAddress } from '../wire/messages.ts'
import type { ListenRequest } from './listen-arguments.ts'

/** Where connections come in. */
export type Streams = Exclude<ListenAddress, UdpAddress>

export interface WantedEvents {
  /** Asks the supervisor for a socket; the answer has the number that this returns. */
  want(address: Streams): number
  /** Keeps the process alive until the returned function is called. */
  hold(): () => void
}

export interface Wanted {
  readonly server: Server
  readonly request: ListenRequest
  readonly key: string
  readonly address: Streams
}

export class WantedSockets {
  readonly #events: WantedEvents
  readonly #waiting = new Map<number, Wanted & { readonly letGo: () => void }>()

  constructor(events: WantedEvents) {
    this.#events = events
  }

  /** Addresses by the number of their question. */
  get all(): [number, ListenAddress][] {
    return [...this.#waiting].map(([id, { address }]) => [id, address])
  }

  has(key: string): boolean {
    return [...this.#waiting.values()].some((one) => one.key === key)
  }

  ask(wanted: Wanted): void {
    predictAddress(wanted)
    const id = this.#events.want(wanted.address)
    this.#waiting.set(id, { ...wanted, letGo: this.#events.hold() })
  }

  /** The answer has come; undefined when nobody waits for it any more. */
  settle(id: number): Wanted | undefined {
    const wanted = this.#waiting.get(id)
    if (wanted === undefined) return undefined
    this.#waiting.delete(id)
    Reflect.deleteProperty(wanted.server, 'address')
    // The hold ends after the server has its socket, which then keeps the process alive itself.
    process.nextTick(wanted.letGo)
    return wanted
  }

  refuse(id: number, code: string, message: string): void {
    const wanted = this.settle(id)
    if (wanted === undefined) return
    const error = listenError(wanted.address, code, message)
    // Not within our own reading: what a listener of the program throws is the program's.
    process.nextTick(() => wanted.server.emit('error', error))
  }

  /** The program has closed that server; whether it was waiting. */
  forget(server: Server): boolean {
    const ids = [...this.#waiting].filter(([, one]) => one.server === server).map(([id]) => id)
    for (const id of ids) this.settle(id)
    return ids.length > 0
  }
}

/** `server.address()` right after `listen(3000)` answers in plain Node, so it does here while the socket is on its way. */
function predictAddress({ server, request, address }: Wanted): void {
  if (request.kind === 'unix') {
    server.address = () => request.path
  } else if (address.kind === 'tcp' && address.port !== 0) {
    const host = address.host ?? '::'
    server.address = () => ({
      address: host,
      family: host.includes(':') ? 'IPv6' : 'IPv4',
      port: address.port,
    })
  }
}

/** As Node reports it: `code`, `syscall`, `address`, `port`. */
export function listenError(address: Streams, code: string, message: string): Error {
  const where =
    address.kind === 'unix'
      ? { address: address.path }
      : { address: address.host ?? '::', port: address.port }
  const text = `listen ${code}: ${message} ${Object.values(where).join(':')}`
  return Object.assign(new Error(text), { code, syscall: 'listen', ...where })
}
