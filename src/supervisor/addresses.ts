// The addresses of one app: bound when first asked for, kept for its life.
import { BroodError } from '../kernel/errors.ts'
import type { AddressSockets } from '../listen/address-sockets.ts'
import { portInUse } from '../listen/bind.ts'
import type { Found } from '../listen/found.ts'
import { openAddress, type Sharing } from '../listen/open-address.ts'
import { portOwner } from '../process/port-owner.ts'
import { type AnySocket, closeSocket } from '../wire/any-socket.ts'
import { addressKey, type ListenAddress } from '../wire/messages.ts'

export interface RememberedAddress {
  readonly address: ListenAddress
  readonly port?: number | undefined
  readonly ports?: readonly number[] | undefined
  /** Whether HTTP/1 in clear text was spoken there last; undefined as long as nobody has listened. */
  readonly speaksHttp?: boolean | undefined
}

interface Open {
  readonly address: ListenAddress
  readonly sockets: AddressSockets
  /** A worker has listened there, or is about to. */
  used: boolean
  speaksHttp: boolean | undefined
}

export class Addresses {
  readonly #sharing: Sharing
  readonly #given: (address: ListenAddress) => AddressSockets | undefined
  readonly #found = new Map<string, Found>()
  readonly #open = new Map<string, Open>()
  /** What was given back, to be bound again when the app starts. */
  #released: readonly ListenAddress[] = []

  /** `given`: sockets that somebody else has opened, in place of binding. */
  constructor(
    sharing: Sharing,
    given: (address: ListenAddress) => AddressSockets | undefined = () => undefined,
  ) {
    this.#given = given
    this.#sharing = sharing
  }

  /**
   * Binds again what an earlier supervisor had bound. `sockets`: by slot, what it has left; `occupied`: its workers live, so
   * what could not be passed on is bound beside them.
   */
  inherit(
    { address, port, ports, speaksHttp }: RememberedAddress,
    sockets: ReadonlyMap<number, AnySocket>,
    occupied: boolean,
  ): void {
    const key = addressKey(address)
    this.#found.set(key, {
      sockets,
      occupied,
      ...(port === undefined ? {} : { port }),
      ...(ports === undefined ? {} : { ports }),
    })
    this.open(address)
    this.use(key, speaksHttp)
  }

  /** The sockets of an address that a worker is about to listen on, bound now if they are not yet. */
  want(address: ListenAddress): AddressSockets {
    const sockets = this.open(address)
    // A program may listen on several hosts in one turn: none of them was a guess.
    const entry = this.#open.get(sockets.key)
    if (entry !== undefined) entry.used = true
    return sockets
  }

  /** The sockets of an address, bound now if they are not yet. */
  open(address: ListenAddress): AddressSockets {
    const key = addressKey(address)
    const known = this.#open.get(key)?.sockets ?? this.#givenAs(address)
    if (known !== undefined) return known
    this.#dropUnused(address)
    const sockets = this.#bind(address)
    this.#open.set(key, { address, sockets, used: false, speaksHttp: undefined })
    return sockets
  }

  /** A worker listens there: the address is not just a guess any more. */
  use(key: string, speaksHttp?: boolean): AddressSockets | undefined {
    const entry = this.#open.get(key)
    if (entry !== undefined) {
      entry.used = true
      entry.speaksHttp = speaksHttp
    }
    return entry?.sockets
  }

  /** A port was bound for all hosts because it was configured; if the program names a host, that guess was wrong. */
  #dropUnused(address: ListenAddress): void {
    if (address.kind !== 'tcp' || address.port === 0) return
    for (const [key, { address: other, sockets, used }] of this.#open) {
      if (used || other.kind !== 'tcp' || other.port !== address.port) continue
      // Sockets of two hosts are not in each other's way.
      if (![address.host, other.host].some(isAny)) continue
      sockets.close()
      this.#open.delete(key)
    }
  }

  /** A program may listen again on the very port it got when it asked for any. */
  #givenAs(address: ListenAddress): AddressSockets | undefined {
    if (address.kind === 'unix' || address.port === 0) return undefined
    for (const { address: other, sockets } of this.#open.values()) {
      const sameHost =
        other.kind === address.kind && other.host === address.host && other.ipv6Only === address.ipv6Only
      if (sameHost && other.port === 0 && sockets.port === address.port) return sockets
    }
    return undefined
  }

  #bind(address: ListenAddress): AddressSockets {
    try {
      const key = addressKey(address)
      const found = this.#found.get(key)
      this.#found.delete(key)
      const given = this.#given(address)
      if (given === undefined) return openAddress(address, this.#sharingOfNext(), found)
      for (const socket of found?.sockets.values() ?? []) closeSocket(socket) // further copies of the same
      return given
    } catch (error) {
      if (address.kind === 'unix' || !(error instanceof BroodError) || error.code !== 'port_in_use')
        throw error
      const owner = portOwner(address.port, address.kind)
      if (owner === undefined) throw error
      const by =
        owner.pid === process.pid ? 'another app of this supervisor' : `pid ${owner.pid} (${owner.command})`
      throw portInUse(`${address.kind === 'udp' ? 'UDP port' : 'port'} ${address.port}`, by, error)
    }
  }

  /** Where ports are counted from one, a second address has the next ones. */
  #sharingOfNext(): Sharing {
    const { ports, slots } = this.#sharing
    if (ports?.from === undefined) return this.#sharing
    return { ...this.#sharing, ports: { ...ports, from: ports.from + this.#open.size * slots } }
  }

  get(key: string): AddressSockets | undefined {
    return this.#open.get(key)?.sockets
  }

  /** What a worker of the slot is born with. */
  socketsOf(slot: number): Map<string, AnySocket> {
    const bound = [...this.#open].filter(([, { sockets }]) => sockets.isBound(slot))
    return new Map(bound.map(([key, { sockets }]) => [key, sockets.socketOf(slot)]))
  }

  /** What to bind again after a restart of the supervisor. */
  get learned(): ListenAddress[] {
    return [...[...this.#open.values()].map(({ address }) => address), ...this.#released]
  }

  /** Every address with the port it got, for a supervisor to come. */
  get remembered(): RememberedAddress[] {
    const open = [...this.#open.values()].map(({ address, sockets: { port, ports }, speaksHttp }) => ({
      address,
      port,
      ports,
      speaksHttp,
    }))
    return [...open, ...this.#released.map((address) => ({ address }))]
  }

  get keys(): string[] {
    return [...this.#open.keys()]
  }

  get labels(): { key: string; label: string }[] {
    return [...this.#open].map(([key, { sockets }]) => ({ key, label: sockets.label }))
  }

  /** Gives the sockets back, so that clients are refused instead of left waiting for nobody. */
  release(): void {
    this.#released = this.learned
    this.close()
  }

  /** Binds what was given back. */
  reopen(): void {
    for (const address of this.#released) this.open(address)
    this.#released = []
  }

  close(): void {
    for (const { sockets } of this.#open.values()) sockets.close()
    this.#open.clear()
  }
}

/** All of this machine's addresses, of a kind. */
function isAny(host: string | undefined): boolean {
  return host === undefined || host === '::' || host === '0.0.0.0'
}
