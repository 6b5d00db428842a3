// Sends accepted connections to workers, one at a time each: whoever has taken its last is free for the next.
import type { Worker } from 'node:cluster'
import type { Balancer } from '../../balance/index.ts'
import { type Handle, sendToWorker } from '../node-internals.ts'
import type { WorkerLoad } from '../worker-load.ts'

interface Member {
  readonly worker: Worker
  readonly load: WorkerLoad
  /** Sent, and not yet taken. */
  underway: Handle | undefined
  /** Connections that are for this worker alone, in order. */
  readonly own: Handle[]
}

export interface DispatcherOptions {
  readonly key: string
  readonly balancer: Balancer
  /** What the balancer is told of a worker. */
  loadOf(worker: Worker): WorkerLoad
  /** Whether the balancer is told the client's address. */
  readonly needsAddress: boolean
  /** Whether a connection waits for the worker that was chosen, even if others are free. */
  readonly isSticky: boolean
}

/** A busy worker takes its next connection later, so it gets fewer. Connections that find nobody free wait, in order. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #members = new Map<number, Member>()
  readonly #free = new Map<number, WorkerLoad>()
  readonly #waiting: Handle[] = []

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#members.size
  }

  has(worker: Worker): boolean {
    return this.#members.has(worker.id)
  }

  add(worker: Worker): void {
    this.#members.set(worker.id, { worker, load: this.#options.loadOf(worker), underway: undefined, own: [] })
    this.#release(worker.id)
  }

  /** False when it was no member. */
  remove(worker: Worker): boolean {
    this.#free.delete(worker.id)
    const member = this.#members.get(worker.id)
    if (member === undefined) return false
    this.#members.delete(worker.id)
    // A connection that the worker never took is still whole.
    if (member.underway !== undefined) this.dispatch(member.underway)
    for (const client of member.own) this.dispatch(client)
    return true
  }

  dispatch(client: Handle): void {
    const worker = this.#pick(client)
    if (worker === undefined) this.#waiting.push(client)
    else if (this.#free.has(worker)) this.#send(worker, client)
    else this.#members.get(worker)?.own.push(client)
  }

  /** Ends the connections nobody has taken. */
  close(): void {
    for (const client of this.#waiting.splice(0)) client.close()
    for (const { own } of this.#members.values()) for (const client of own.splice(0)) client.close()
  }

  #pick(client: Handle): number | undefined {
    const [first, ...rest] = this.#options.isSticky ? this.#loads() : this.#free.values()
    if (first === undefined) return undefined
    if (rest.length === 0) return first.id
    const remoteAddress = this.#options.needsAddress ? peerOf(client) : undefined
    return this.#options.balancer.pick([first, ...rest], { remoteAddress }).id
  }

  #loads(): WorkerLoad[] {
    return [...this.#members.values()].map(({ load }) => load)
  }

  #send(id: number, client: Handle): void {
    const member = this.#members.get(id)
    this.#free.delete(id)
    if (member === undefined) {
      this.dispatch(client)
      return
    }
    member.underway = client
    member.load.sent++
    // When the channel is closed nothing is sent; the worker's removal, which follows, passes the connection on.
    sendToWorker(member.worker.process, { act: 'newconn', key: this.#options.key }, client, (reply) => {
      if (member.underway !== client) return // removed meanwhile
      member.underway = undefined
      if (reply.accepted) client.close()
      else {
        member.load.sent--
        this.dispatch(client) // it is shutting down: somebody else takes it
      }
      this.#release(id)
    })
  }

  #release(id: number): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    const next = member.own.shift() ?? this.#waiting.shift()
    if (next === undefined) this.#free.set(id, member.load)
    else this.#send(id, next)
  }
}

function peerOf(client: Handle): string | undefined {
  const peer: { address?: string } = {}
  client.getpeername?.(peer)
  return peer.address
}
