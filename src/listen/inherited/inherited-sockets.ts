// Addresses whose sockets the service manager opened: used in place of binding, and never given back.
import { addressKey, type ListenAddress } from '../../wire/messages.ts'
import type { AddressSockets } from '../address-sockets.ts'
import type { InheritedSocket } from './take-inherited.ts'

interface Group {
  readonly address: ListenAddress
  readonly sockets: InheritedSocket[]
}

/**
 * One socket of an address is shared by all workers. Several (`ReusePort=yes`, the address in several units or lines) are
 * slot sockets; unlike ours they are listened on from the start, so every one of them needs a worker from the start: slots take
 * them in turn, and `queues` says how many there are.
 */
export class InheritedSockets {
  readonly #groups = new Map<string, Group>()

  constructor(inherited: readonly InheritedSocket[]) {
    for (const one of inherited) {
      const key = addressKey(one.address)
      const group = this.#groups.get(key) ?? { address: one.address, sockets: [] }
      group.sockets.push(one)
      this.#groups.set(key, group)
    }
  }

  /** Undefined when the service manager gave none for what a program asks to listen on. */
  open(wanted: ListenAddress): AddressSockets | undefined {
    const group = this.#groups.get(addressKey(wanted)) ?? this.#onIpv4Only(wanted)
    if (group === undefined) return undefined
    const { address, sockets } = group
    const [first] = sockets
    if (first === undefined) return undefined
    return {
      key: addressKey(wanted),
      label: addressKey(address).replace(/^unix:/, ''),
      port: address.kind === 'tcp' ? address.port : undefined,
      queues: sockets.length,
      isBound: () => true,
      socketOf: (slot) => (sockets[slot % sockets.length] ?? first).socket,
      // The manager listens on, whatever we do, and what is closed here could not be had again.
      close() {},
      lasting: true,
    }
  }

  /** A program that names no host is content with 0.0.0.0, if that is all there is. */
  #onIpv4Only(wanted: ListenAddress): Group | undefined {
    if (wanted.kind !== 'tcp' || wanted.host !== undefined || wanted.ipv6Only) return undefined
    return this.#groups.get(addressKey({ ...wanted, host: '0.0.0.0' }))
  }
}
