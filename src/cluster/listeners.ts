// The addresses that a cluster's workers share: opened when the first asks, closed when the last has left.

import type { Worker } from 'node:cluster'
import { relative } from 'node:path'
import { systemClock } from '../kernel/clock.ts'
import type { DispatcherOptions } from '../listen/balanced/dispatcher.ts'
import { type Query, sendToWorker } from './node-internals.ts'
import { algorithmOf, SCHED_SLOTS, type SchedulingPolicy } from './scheduling.ts'
import { Distributor } from './sharing/distributor.ts'
import { recipientOf } from './sharing/recipient.ts'
import { SharedListener } from './sharing/shared.ts'
import type { Sharing } from './sharing/sharing.ts'
import { SlotListeners } from './sharing/slots.ts'
import type { WorkerLoad } from './worker-load.ts'

export class Listeners {
  readonly #open = new Map<string, Sharing>()
  readonly #policy: () => SchedulingPolicy
  readonly #loadOf: (worker: Worker) => WorkerLoad

  constructor(policy: () => SchedulingPolicy, loadOf: (worker: Worker) => WorkerLoad) {
    this.#policy = policy
    this.#loadOf = loadOf
  }

  /** Answers a worker whose program listens or binds. */
  answer(worker: Worker, query: Query): void {
    const key = keyOf(query)
    const known = this.#open.get(key)
    // A worker that asks twice for one address gets a listener of its own: the refusal the system has for that.
    const sharing = known === undefined || known.has(worker) ? this.#create(key, query) : known
    sharing.data ??= query.data
    if (known === undefined) this.#open.set(key, sharing)
    sharing.add(worker, (errno, reply, handle) => {
      if (errno === 0) this.#open.set(key, sharing)
      else if (known === undefined) this.#open.delete(key)
      const message = { errno, key, ack: query.seq, data: sharing.data, ...reply }
      sendToWorker(worker.process, message, handle)
    })
  }

  closed(worker: Worker, key: string): void {
    if (this.#open.get(key)?.remove(worker)) this.#open.delete(key)
  }

  /** The worker can take nothing any more. */
  left(worker: Worker): void {
    for (const key of [...this.#open.keys()]) this.closed(worker, key)
  }

  #create(key: string, query: Query): Sharing {
    const address = pathOf(query) ?? query.address
    const policy = this.#policy()
    const algorithm = algorithmOf(policy)
    const udp = query.addressType === 'udp4' || query.addressType === 'udp6'
    // Like Node's own round robin, which it stands in for: only who is free is chosen.
    const options: DispatcherOptions = {
      algorithm: algorithm ?? 'round-robin',
      clock: systemClock,
      behind: 0,
    }
    const recipient = (worker: Worker) => recipientOf(key, worker, this.#loadOf(worker))
    // Datagrams have no connections that could be handed out, and only TCP has sockets that the kernel spreads over.
    const slots = policy === SCHED_SLOTS && query.port >= 0 && !(query.fd !== undefined && query.fd >= 0)
    if (slots && !udp) return new SlotListeners(query, address, options, recipient)
    return algorithm === undefined || udp
      ? new SharedListener(query, address)
      : new Distributor(query, address, options, recipient)
  }
}

/** Servers on "any port" are told apart by their order, so that the n-th of every worker shares one. */
function keyOf({ address, port, addressType, fd, index }: Query): string {
  return `${address}:${port}:${addressType}:${fd}${port === 0 ? `:${index}` : ''}`
}

/** The shorter way to write a unix socket's path, of which the kernel takes only some hundred bytes. */
function pathOf({ address, port }: Query): string | undefined {
  if (port >= 0 || typeof address !== 'string' || process.platform === 'win32') return undefined
  const short = relative(process.cwd(), address)
  return short.length < address.length ? short : address
}
