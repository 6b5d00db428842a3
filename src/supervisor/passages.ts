// Idle connections on their way from one worker to another: who gets each of them.
import type { Socket } from 'node:net'
import { stopReading } from '../wire/stop-reading.ts'
import type { WorkerProcess } from './worker-process.ts'

interface End {
  readonly slot: number
  readonly process: WorkerProcess
}

interface Passenger {
  readonly from: number
  readonly key: string
  readonly connection: number
  readonly socket: Socket
  /** Tells its sender that it has arrived. */
  told(): void
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
    const wanted = this.#route(from, heirs)
    let isTold = false
    const told = (): void => {
      if (!isTold) this.#workers.get(from)?.process.send({ type: 'taken', id: connection })
      isTold = true
    }
    if (!stopReading(socket)) socket.destroy()
    else this.#deliver({ from, key, connection, socket, told }, [wanted, next])
    // Who sends only some waits until they have arrived, so that few are under way at a time; who leaves is not held up.
    if (wanted === undefined || socket.destroyed) told()
  }

  #deliver(passenger: Passenger, preferred: readonly (number | undefined)[]): void {
    const { from, key, socket, told } = passenger
    const back = this.#serving(key).includes(from) ? [from] : []
    const inOrder = [...preferred, ...this.heirs(key, from), ...back]
    if (inOrder.some((id) => id !== undefined && this.#send(id, passenger))) return
    socket.destroy()
    told()
  }

  #send(id: number, passenger: Passenger): boolean {
    const process = this.#workers.get(id)?.process
    if (process === undefined || !this.#canTake(id)) return false
    const { key, connection, socket, told } = passenger
    const sent = process.sendConnection(key, connection, socket, (taken) => {
      if (!taken) {
        // It has died before it could touch the connection.
        this.#count(id, -1)
        return this.#deliver(passenger, [])
      }
      socket.destroy()
      told()
    })
    if (sent) this.#count(id, 1)
    else this.#closed.add(id)
    return sent
  }

  #count(id: number, by: number): void {
    if (this.#workers.has(id)) this.#sent.set(id, this.sentTo(id) + by)
  }

  #canTake(id: number): boolean {
    return this.#workers.get(id)?.process.takesSockets === true && !this.#closed.has(id)
  }
}
