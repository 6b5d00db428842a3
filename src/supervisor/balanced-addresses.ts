// The balanced addresses of one app: who accepts on each, and which workers it gives connections to.
import { isSticky, Load } from '../balance/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { Acceptor } from '../listen/balanced/supervisor-acceptor.ts'
import type { Balance } from '../listen/open-address.ts'
import type { BareHandle } from '../wire/bare-handle.ts'
import { compileForSpeed } from './compile-for-speed.ts'
import type { WorkerProcess } from './worker-process.ts'

/**
 * Few enough that little waits for a worker that blocks just then, and enough that a wake-up of either side is shared by several.
 */
const sentTogether = 8

interface Listener {
  readonly slot: number
  readonly process: WorkerProcess
}

export class BalancedAddresses {
  readonly #balance: Balance
  readonly #workers: ReadonlyMap<number, Listener>
  readonly #clock: Clock
  readonly #acceptors = new Map<string, Acceptor>()
  /** Worker → what is known of it, on all addresses. */
  readonly #loads = new Map<number, Load>()
  /** Address → the workers that serve it. */
  readonly #serving = new Map<string, Set<number>>()
  /** Workers whose loop does not turn just now. */
  readonly #suspended = new Set<number>()

  /** `workers` is read whenever one is looked for; it stays the caller's. */
  constructor(
    balance: Balance = { algorithm: 'round-robin', weights: [] },
    workers: ReadonlyMap<number, Listener>,
    clock: Clock,
  ) {
    this.#balance = balance
    this.#workers = workers
    this.#clock = clock
  }

  /** A worker serves the address. One that an earlier supervisor started cannot be sent connections. */
  listening(id: number, key: string, backlog: number | undefined): void {
    const worker = this.#workers.get(id)
    if (worker === undefined || !worker.process.takesSockets) return
    const { process, slot } = worker
    this.#serving.set(key, (this.#serving.get(key) ?? new Set()).add(id))
    const acceptor = this.#acceptorOf(key)
    if (backlog !== undefined) acceptor.backlog = backlog
    acceptor.add({
      id,
      load: this.#loadOf(id, slot),
      send: (client, done) => process.sendClient(key, client, done),
    })
  }

  /** A worker takes no connections any more: of one address, or of all. */
  left(id: number, key?: string): void {
    if (key === undefined) {
      this.#loads.delete(id)
      this.#suspended.delete(id)
    }
    for (const [name, acceptor] of this.#acceptors) {
      if ((key !== undefined && key !== name) || !this.#serving.get(name)?.delete(id)) continue
      acceptor.remove(id)
    }
  }

  bare(id: number, type: 'queue' | 'client', key: string, handle: BareHandle): void {
    if (type === 'queue') return this.#acceptorOf(key).offer(handle)
    // It has closed its server, and that word is still on its way; the connection is not to go back to it.
    this.left(id, key)
    this.#acceptorOf(key).returned(handle)
  }

  /** A worker's loop does not turn just now, or turns again. */
  suspend(id: number, suspended: boolean): void {
    if (suspended) this.#suspended.add(id)
    else this.#suspended.delete(id)
    for (const acceptor of this.#acceptors.values()) acceptor.suspend(id, suspended)
  }

  load(id: number, open: number, taken: number): void {
    this.#loads.get(id)?.report(open, taken)
  }

  /** Nobody accepts, nor will until the app starts again. */
  close(): void {
    for (const acceptor of this.#acceptors.values()) acceptor.close()
    this.#acceptors.clear()
    this.#serving.clear()
    this.#loads.clear()
    this.#suspended.clear()
  }

  #acceptorOf(key: string): Acceptor {
    const known = this.#acceptors.get(key)
    if (known !== undefined) return known
    compileForSpeed()
    const acceptor = new Acceptor({
      algorithm: this.#balance.algorithm,
      clock: this.#clock,
      together: sentTogether,
      ask: () => {
        const serving = [...(this.#serving.get(key) ?? [])]
        const id = serving.find((one) => !this.#suspended.has(one)) ?? serving[0]
        if (id !== undefined) this.#workers.get(id)?.process.send({ type: 'queue', key })
      },
    })
    this.#acceptors.set(key, acceptor)
    return acceptor
  }

  /** A client is to find the same slot again, whichever worker occupies it; all other algorithms tell workers apart. */
  #loadOf(id: number, slot: number): Load {
    const known = this.#loads.get(id)
    if (known !== undefined) return known
    const sticky = isSticky(this.#balance.algorithm)
    const load = new Load(sticky ? slot : id, () => this.#clock.now(), this.#balance.weights[slot] ?? 1)
    this.#loads.set(id, load)
    return load
  }
}
