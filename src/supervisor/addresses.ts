// The addresses of one app: bound when first asked for, kept for its life.
import type { Socket } from 'node:net'
import type { AddressSockets } from '../listen/address-sockets.ts'
import { openAddress, type ShareMode } from '../listen/open-address.ts'
import { addressKey, type ListenAddress } from '../wire/messages.ts'

export class Addresses {
  readonly #mode: ShareMode
  readonly #slots: number
  readonly #open = new Map<string, { address: ListenAddress; sockets: AddressSockets }>()

  constructor(mode: ShareMode, slots: number) {
    this.#mode = mode
    this.#slots = slots
  }

  /** The sockets of an address, bound now if they are not yet. */
  open(address: ListenAddress): AddressSockets {
    const key = addressKey(address)
    const known = this.#open.get(key)
    if (known !== undefined) return known.sockets
    const sockets = openAddress(address, this.#mode, this.#slots)
    this.#open.set(key, { address, sockets })
    return sockets
  }

  get(key: string): AddressSockets | undefined {
    return this.#open.get(key)?.sockets
  }

  /** What a worker of the slot is born with. */
  socketsOf(slot: number): Map<string, Socket> {
    return new Map([...this.#open].map(([key, { sockets }]) => [key, sockets.socketOf(slot)]))
  }

  /** What to bind again after a restart of the supervisor. */
  get learned(): ListenAddress[] {
    return [...this.#open.values()].map(({ address }) => address)
  }

  get labels(): { key: string; label: string }[] {
    return [...this.#open].map(([key, { sockets }]) => ({ key, label: sockets.label }))
  }

  close(): void {
    for (const { sockets } of this.#open.values()) sockets.close()
    this.#open.clear()
  }
}
