// Sees to it that somebody accepts from every queue of an app: tells workers which to take over, and which to let go.
import { type AcceptCommand, Acceptors } from '../listen/acceptors.ts'
import type { Addresses } from './addresses.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A living worker, by the number the lifecycle gave it. */
export interface Listener {
  readonly slot: number
  readonly process: WorkerProcess
}

export class Adoption {
  #acceptors = new Acceptors()
  readonly #workers: ReadonlyMap<number, Listener>
  readonly #addresses: Addresses
  readonly #stuck: () => void

  /** `workers` is read whenever one is looked for; `stuck`: connections wait that no worker can take, see `isStuck`. */
  constructor(workers: ReadonlyMap<number, Listener>, addresses: Addresses, stuck: () => void) {
    this.#workers = workers
    this.#addresses = addresses
    this.#stuck = stuck
  }

  /** Who accepts on an address. */
  serving(key: string): number[] {
    return this.#acceptors.serving(key)
  }

  /** Queues that are served by another slot's worker just now. */
  get adopted(): { key: string; slot: number; worker: number }[] {
    return this.#acceptors.adopted()
  }

  /** Only a new worker can take what waits somewhere: no other has the socket, nor can be sent it. */
  get isStuck(): boolean {
    return this.#acceptors.isStuck
  }

  /** A worker accepts from its own slot's queue. */
  listens(id: number, key: string): void {
    const worker = this.#workers.get(id)
    const sockets = this.#addresses.get(key)
    if (worker === undefined || sockets === undefined) return
    // A shared address has one queue, whoever listens.
    this.#tell(this.#acceptors.listening(key, worker.slot % sockets.queues, id))
  }

  /** A worker of an earlier supervisor accepts from another slot's queue. */
  adopts(id: number, key: string, slot: number): void {
    this.#tell(this.#acceptors.adopts(key, slot, id))
  }

  /** Nobody is known to accept from a queue in which connections may wait. */
  orphan(key: string, slot: number): void {
    this.#tell(this.#acceptors.orphan(key, slot))
  }

  /** A queue that somebody else has opened listens before its address is known here: whoever comes first is to take it. */
  unserved(key: string, slot: number): void {
    this.#acceptors.orphan(key, slot)
  }

  /** A worker accepts no longer, on one address or on all: others take over what it served. */
  left(id: number, key?: string): void {
    this.#tell(this.#acceptors.left(id, key))
  }

  /** A worker did not take in a queue it was told to. */
  unable(id: number): void {
    this.#tell(this.#acceptors.unable(id))
  }

  /** A worker's loop does not turn just now. */
  blocked(id: number): void {
    this.#tell(this.#acceptors.blocked(id))
  }

  /** It turns again. */
  awake(id: number): void {
    this.#tell(this.#acceptors.back(id))
  }

  /** Every queue was given back. */
  forget(): void {
    this.#acceptors = new Acceptors()
  }

  #tell(commands: readonly AcceptCommand[]): void {
    for (const { type, key, slot, worker } of commands) {
      const process = this.#workers.get(worker)?.process
      const sockets = this.#addresses.get(key)
      if (process === undefined || sockets === undefined) continue
      // A worker that cannot be sent sockets keeps them all.
      if (type === 'release' || !process.takesSockets) process.send({ type, key, slot })
      else if (!process.sendListener({ type, key, slot }, sockets.socketOf(slot))) this.unable(worker)
    }
    if (this.isStuck) this.#stuck()
  }
}
