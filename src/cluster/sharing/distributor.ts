// SCHED_RR and every balancing algorithm: the primary accepts, picks a worker, and sends it the connection.
import type { Worker } from 'node:cluster'
import { createServer } from 'node:net'
import { Dispatcher, type DispatcherOptions } from '../../listen/balanced/dispatcher.ts'
import type { Recipient } from '../../listen/balanced/recipient.ts'
import {
  errorNumber,
  type Handle,
  ipv6Only,
  type Query,
  takeHandle,
  usualBacklog,
} from '../node-internals.ts'
import type { Answer, Sharing } from './sharing.ts'

type State =
  | { readonly at: 'binding'; readonly waiting: { worker: Worker; answer: Answer }[] }
  | { readonly at: 'open'; readonly handle: Handle }
  | { readonly at: 'failed'; readonly errno: number }
  | { readonly at: 'closed' }

export class Distributor implements Sharing {
  data: unknown
  readonly #dispatcher: Dispatcher<Handle>
  readonly #recipientOf: (worker: Worker) => Recipient<Handle>
  readonly #members = new Set<number>()
  #state: State = { at: 'binding', waiting: [] }

  constructor(
    query: Query,
    address: string | null,
    options: DispatcherOptions,
    recipientOf: (worker: Worker) => Recipient<Handle>,
  ) {
    this.#recipientOf = recipientOf
    this.#dispatcher = new Dispatcher(options)
    const server = createServer()
    server.once('listening', () => this.#opened(takeHandle(server)))
    server.once('error', (error) => this.#failed(errorNumber(error)))
    server.listen(listenOptions(query, address))
  }

  has(worker: Worker): boolean {
    return this.#members.has(worker.id)
  }

  add(worker: Worker, answer: Answer): void {
    this.#members.add(worker.id)
    this.#admit(worker, answer)
  }

  remove(worker: Worker): boolean {
    if (!this.#members.delete(worker.id)) return false
    this.#dispatcher.remove(worker.id)
    if (this.#members.size > 0) return false
    const state = this.#state
    this.#state = { at: 'closed' }
    this.#dispatcher.close()
    if (state.at === 'open') state.handle.close()
    return true
  }

  #admit(worker: Worker, answer: Answer): void {
    switch (this.#state.at) {
      case 'binding':
        this.#state.waiting.push({ worker, answer })
        return
      case 'open':
        answer(0, socketName(this.#state.handle), undefined)
        this.#dispatcher.add(this.#recipientOf(worker))
        return
      case 'failed':
        answer(this.#state.errno, {}, undefined)
        return
      case 'closed':
        return // everybody has left meanwhile
    }
  }

  #opened(handle: Handle): void {
    handle.onconnection = (status, client) => {
      // A failed accept concerns nobody but the client that has gone.
      if (status === 0 && client !== undefined) this.#dispatcher.dispatch(client)
    }
    if (this.#state.at === 'closed') handle.close()
    else this.#settle({ at: 'open', handle })
  }

  #failed(errno: number): void {
    if (this.#state.at !== 'closed') this.#settle({ at: 'failed', errno })
  }

  #settle(state: State): void {
    const waiting = this.#state.at === 'binding' ? this.#state.waiting : []
    this.#state = state
    // Some may have left while it was being bound.
    for (const { worker, answer } of waiting) if (this.has(worker)) this.#admit(worker, answer)
  }
}

function listenOptions(query: Query, address: string | null): object {
  const { fd, port, flags = 0, readableAll, writableAll } = query
  const backlog = query.backlog || usualBacklog
  if (fd !== undefined && fd >= 0) return { fd, backlog }
  if (port < 0) return { path: address, backlog, readableAll, writableAll }
  return { port, backlog, ipv6Only: (flags & ipv6Only) !== 0, ...(address === null ? {} : { host: address }) }
}

function socketName(handle: Handle): object {
  if (handle.getsockname === undefined) return {}
  const sockname = {}
  handle.getsockname(sockname)
  return { sockname }
}
