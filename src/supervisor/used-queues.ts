// Which queues of an app are in LISTEN state, or may be, and so may hold connections: they outlive their workers.
import type { AnySocket } from '../wire/any-socket.ts'
import { addressKey, isUdpKey, type ListenAddress } from '../wire/messages.ts'
import { inodeOf } from '../wire/socket-inode.ts'
import type { Addresses } from './addresses.ts'
import type { KnownQueue } from './queue-report.ts'

export interface QueueSocket {
  readonly key: string
  readonly slot: number
  readonly socket: AnySocket
}

/** The port of each slot that has one of its own, and has listened there. */
export interface SlotPorts {
  readonly address: ListenAddress
  readonly speaksHttp: boolean
  readonly ports: ReadonlyMap<number, number>
}

export class UsedQueues {
  readonly #addresses: Addresses
  /** Address key → slots. */
  readonly #used = new Map<string, Set<number>>()
  /** Address key → what its workers listen with. */
  readonly #backlogs = new Map<string, number>()

  constructor(addresses: Addresses) {
    this.#addresses = addresses
  }

  add(key: string, slot: number): void {
    this.#used.set(key, (this.#used.get(key) ?? new Set()).add(slot))
  }

  /** What the workers of an address have listened with. */
  backlog(key: string, backlog: number): void {
    this.#backlogs.set(key, backlog)
  }

  clear(): void {
    this.#used.clear()
  }

  /** The addresses that have been listened on. */
  get keys(): string[] {
    return [...this.#used.keys()]
  }

  get all(): QueueSocket[] {
    return [...this.#used].flatMap(([key, slots]) => this.#at(key, [...slots]))
  }

  /** What is or will be listened on by an app of that size, and what has been. */
  within(size: number): QueueSocket[] {
    const first = Array.from({ length: size }, (_, slot) => slot)
    return this.#addresses.keys.flatMap((key) =>
      this.#at(key, [...new Set([...first, ...(this.#used.get(key) ?? [])])]),
    )
  }

  /** The socket of a slot at an address; undefined when it is not open. */
  socketAt(key: string, slot: number): AnySocket | undefined {
    return this.#at(key, [slot])[0]?.socket
  }

  /** The sockets that these slots have at an address, in use or not. */
  #at(key: string, slots: readonly number[]): QueueSocket[] {
    const sockets = this.#addresses.get(key)
    if (sockets === undefined) return []
    const queues = [...new Set(slots.map((slot) => slot % sockets.queues))].filter((one) =>
      sockets.isBound(one),
    )
    return queues.map((slot) => ({ key, slot, socket: sockets.socketOf(slot) }))
  }

  /** Of workers that listen on ports of their own, or have listened: someone accepts there. */
  get ports(): SlotPorts[] {
    return this.#addresses.remembered.flatMap(({ address, ports, speaksHttp = false }) => {
      if (ports === undefined) return []
      const used = [...(this.#used.get(addressKey(address)) ?? [])]
      return [{ address, speaksHttp, ports: new Map(used.map((slot) => [slot, ports[slot] ?? 0])) }]
    })
  }

  /** Every TCP queue that connections can wait in; `adopterOf`: the slot whose worker accepts from it meanwhile. */
  known(adopterOf: (key: string, slot: number) => number | undefined): KnownQueue[] {
    const { keys } = this.#addresses
    const labels = new Map(this.#addresses.labels.map(({ key, label }) => [key, label]))
    const inOrder = this.all.toSorted((a, b) => keys.indexOf(a.key) - keys.indexOf(b.key) || a.slot - b.slot)
    return inOrder.flatMap(({ key, slot, socket }) => {
      const sockets = this.#addresses.get(key)
      if (sockets === undefined || isUdpKey(key) || (sockets.port ?? sockets.ports) === undefined) return []
      return {
        address: sockets.labels?.[slot] ?? labels.get(key) ?? key,
        slot: sockets.queues > 1 ? slot : null,
        adopter: adopterOf(key, slot) ?? null,
        inode: inodeOf(socket),
        backlog: this.#backlogs.get(key),
      }
    })
  }
}
