// Idle connections on their way from one worker to another: who gets each of them.
import type { Socket } from 'node:net'
import { stopReading } from '../wire/stop-reading.ts'
import type { WorkerProcess } from './worker-process.ts'

interface End {
  readonly slot: number
  readonly process: WorkerProcess
}

/** Where a connection is wanted, among those who can take it; undefined for no matter where. */
export type Route = (from: number, heirs: readonly number[]) => number | undefined

export class Passages {
  readonly #workers: ReadonlyMap<number, End>
  readonly #serving: (key: string) => readonly number[]
  readonly #sent = new Map<number, number>()
  /** Workers whose program has closed the line on which connections travel. */
  readonly #closed = new Set<number>()
  #route: Route = () => undefined
  #turn = 0

  /** `workers` is read whenever one is looked for; `serving`: who serves an address. Both stay the caller's. */
  constructor(workers: ReadonlyMap<number, End>, serving: (key: string) => readonly number[]) {
    this.#workers = workers
    this.#serving = serving
  }

  /** Asked of each connection before it goes to its sender's replacement. */
  set route(route: Route) {
    this.#route = route
  }

  /** How many connections a worker was sent. */
  sentTo(id: number): number {
    return this.#sent.get(id) ?? 0
  }

  /** Who can be sent a connection of that address. */
  heirs(key: string, from?: number): number[] {
    return this.#serving(key).filter((id) => id !== from && this.#canTake(id))
  }

  left(id: number): void {
    this.#sent.delete(id)
    this.#closed.delete(id)
  }

  /**
   * A worker's idle connection goes on where it is wanted, or else in the sender's replacement, or in the next sibling in turn,
   * or, when there is nobody, where it came from, if that one still serves its address.
   */
  pass(from: number, key: string, connection: number, socket: Socket): void {
    const slot = this.#workers.get(from)?.slot
    const heirs = this.heirs(key, from)
    const next =
      heirs.find((id) => this.#workers.get(id)?.slot === slot) ?? heirs[this.#turn++ % heirs.length]
    const inOrder = [
      this.#route(from, heirs),
      next,
      ...heirs,
      ...(this.#serving(key).includes(from) ? [from] : []),
    ]
    const passes = stopReading(socket)
    if (!passes || !inOrder.some((id) => id !== undefined && this.#send(id, key, connection, socket)))
      socket.destroy()
    this.#workers.get(from)?.process.send({ type: 'taken', id: connection })
  }

  #send(id: number, key: string, connection: number, socket: Socket): boolean {
    const process = this.#workers.get(id)?.process
    if (process === undefined || !this.#canTake(id)) return false
    if (!process.sendConnection(key, connection, socket)) {
      this.#closed.add(id)
      return false
    }
    this.#sent.set(id, this.sentTo(id) + 1)
    return true
  }

  #canTake(id: number): boolean {
    return this.#workers.get(id)?.process.takesSockets === true && !this.#closed.has(id)
  }
}
