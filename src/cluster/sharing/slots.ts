// SCHED_SLOTS: a SO_REUSEPORT socket for each worker, so that the kernel spreads connections and the primary sees none.
import type { Worker } from 'node:cluster'
import { Dispatcher, type DispatcherOptions } from '../../listen/balanced/dispatcher.ts'
import type { Recipient } from '../../listen/balanced/recipient.ts'
import {
  bindAlone,
  createHandle,
  type Handle,
  portOf,
  type Query,
  reusePort,
  usualBacklog,
} from '../node-internals.ts'
import type { Answer, Sharing } from './sharing.ts'

interface Slot {
  readonly handle: Handle
  owner: number | undefined
  /** Once its worker has died, the primary accepts here: the socket stays in LISTEN state and goes on getting clients. */
  adopted: boolean
}

/**
 * A slot's socket outlives its worker, so its accept queue survives. Until another worker takes the slot, the primary
 * passes its connections on to the workers that are left; Node cannot stop accepting without closing, so it goes on
 * helping there afterwards.
 */
export class SlotListeners implements Sharing {
  data: unknown
  readonly #query: Query
  readonly #address: string | null
  readonly #dispatcher: Dispatcher<Handle>
  readonly #recipientOf: (worker: Worker) => Recipient<Handle>
  readonly #slots: Slot[] = []
  #port: number

  constructor(
    query: Query,
    address: string | null,
    options: DispatcherOptions,
    recipientOf: (worker: Worker) => Recipient<Handle>,
  ) {
    this.#recipientOf = recipientOf
    this.#query = query
    this.#address = address
    this.#port = query.port
    this.#dispatcher = new Dispatcher(options)
  }

  has(worker: Worker): boolean {
    return this.#dispatcher.has(worker.id)
  }

  add(worker: Worker, answer: Answer): void {
    const slot = this.#slots.find(({ owner }) => owner === undefined) ?? this.#open()
    if (typeof slot === 'number') {
      answer(slot, {}, undefined)
      return
    }
    slot.owner = worker.id
    answer(0, {}, slot.handle)
    this.#dispatcher.add(this.#recipientOf(worker))
  }

  remove(worker: Worker): boolean {
    if (!this.#dispatcher.remove(worker.id)) return false
    const last = this.#dispatcher.size === 0
    for (const slot of this.#slots) {
      if (last) slot.handle.close()
      else if (slot.owner === worker.id) this.#adopt(slot)
    }
    if (last) this.#dispatcher.close()
    return last
  }

  #open(): Slot | number {
    // With reusePort the kernel would let us share the port with a stranger; the first bind makes sure there is none.
    if (this.#slots.length === 0 && this.#port !== 0) {
      const errno = bindAlone({ ...this.#query, port: this.#port }, this.#address)
      if (errno !== 0) return errno
    }
    const flags = (this.#query.flags ?? 0) | reusePort
    const handle = createHandle({ ...this.#query, port: this.#port, flags }, this.#address)
    if (typeof handle === 'number') return handle
    this.#port = portOf(handle) ?? this.#port
    const slot: Slot = { handle, owner: undefined, adopted: false }
    this.#slots.push(slot)
    return slot
  }

  #adopt(slot: Slot): void {
    slot.owner = undefined
    if (slot.adopted) return
    slot.adopted = true
    slot.handle.onconnection = (status, client) => {
      if (status === 0 && client !== undefined) this.#dispatcher.dispatch(client)
    }
    slot.handle.listen(this.#query.backlog || usualBacklog)
  }
}
