// The sockets of one app: gives workers the ones they listen on, keeps every queue moving, hands idle connections on.
import type { Socket } from 'node:net'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { type AcceptCommand, Acceptors } from '../listen/acceptors.ts'
import type { ShareMode } from '../listen/open-address.ts'
import { stopReading } from '../listen/stop-reading.ts'
import type { ListenAddress } from '../wire/messages.ts'
import { Addresses } from './addresses.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A living worker, by the number the lifecycle gave it. */
export interface Listener {
  readonly slot: number
  readonly process: WorkerProcess
}

export class AppSockets {
  readonly #addresses: Addresses
  #acceptors = new Acceptors()
  readonly #workers: ReadonlyMap<number, Listener>
  #turn = 0

  /** `workers` is read whenever one is looked for; it stays the caller's. */
  constructor(mode: ShareMode, slots: number, workers: ReadonlyMap<number, Listener>) {
    this.#addresses = new Addresses(mode, slots)
    this.#workers = workers
  }

  get addresses(): readonly ListenAddress[] {
    return this.#addresses.learned
  }

  get labels(): { key: string; label: string }[] {
    return this.#addresses.labels
  }

  /** Queues that are served by another slot's worker just now. */
  get adopted(): { key: string; slot: number; worker: number }[] {
    return this.#acceptors.adopted()
  }

  bind(addresses: readonly ListenAddress[]): void {
    for (const address of addresses) this.#addresses.open(address)
  }

  /** What a worker of the slot is born with. */
  socketsOf(slot: number): ReadonlyMap<string, Socket> {
    return this.#addresses.socketsOf(slot)
  }

  /** Answers a worker that wants to listen where it was born without a socket; the refusal, if it is refused. */
  give(id: number, request: number, address: ListenAddress): BroodError | undefined {
    const worker = this.#workers.get(id)
    if (worker === undefined) return undefined
    try {
      const sockets = this.#addresses.open(address)
      const listener = sockets.socketOf(worker.slot)
      worker.process.sendListener({ type: 'listen', request, key: sockets.key }, listener)
      return undefined
    } catch (error) {
      const refusal =
        error instanceof BroodError ? error : new BroodError('address_invalid', messageOf(error))
      worker.process.send({ type: 'refused', request, code: listenCode(refusal), message: refusal.message })
      return refusal
    }
  }

  /** A worker accepts on its own slot's socket of an address. */
  listening(id: number, key: string): void {
    const worker = this.#workers.get(id)
    const sockets = this.#addresses.use(key)
    if (worker === undefined || sockets === undefined) return
    // A shared address has one queue, whoever listens.
    this.#accept(this.#acceptors.listening(key, sockets.queues === 1 ? 0 : worker.slot, id))
  }

  /** A worker accepts no longer, on one address or on all: others take over what it served. */
  left(id: number, key?: string): void {
    this.#accept(this.#acceptors.left(id, key))
  }

  /** A worker did not take in a queue it was told to. */
  unable(id: number): void {
    this.#accept(this.#acceptors.unable(id))
  }

  /** A draining worker's idle connection goes on in its replacement, or else in the next sibling in turn. */
  handOn(from: number, key: string, connection: number, socket: Socket): void {
    const passes = stopReading(socket)
    const slot = this.#workers.get(from)?.slot
    const serving = this.#acceptors.serving(key).filter((id) => id !== from)
    const heir =
      serving.find((id) => this.#workers.get(id)?.slot === slot) ?? serving[this.#turn++ % serving.length]
    const target = heir === undefined ? undefined : this.#workers.get(heir)?.process
    if (!passes || target?.sendConnection(key, connection, socket) !== true) socket.destroy()
    this.#workers.get(from)?.process.send({ type: 'taken', id: connection })
  }

  /** Nobody is there to accept, nor will be: clients are to be refused. */
  release(): void {
    this.#addresses.release()
    this.#acceptors = new Acceptors()
  }

  /** Binds again what was given back; throws when somebody else has it now. */
  reopen(): void {
    this.#addresses.reopen()
  }

  close(): void {
    this.#addresses.close()
  }

  #accept(commands: readonly AcceptCommand[]): void {
    for (const { type, key, slot, worker } of commands) {
      const process = this.#workers.get(worker)?.process
      const sockets = this.#addresses.get(key)
      if (process === undefined || sockets === undefined) continue
      if (type === 'release') process.send({ type, key, slot })
      else if (!process.sendListener({ type, key, slot }, sockets.socketOf(slot))) this.unable(worker)
    }
  }
}

/** What Node's own `listen` would have failed with. */
function listenCode(error: BroodError): string {
  switch (error.code) {
    case 'port_in_use':
      return 'EADDRINUSE'
    case 'port_denied':
      return 'EACCES'
    default:
      return 'EADDRNOTAVAIL'
  }
}
