// SCHED_RR and every balancing algorithm: the primary accepts, picks a worker, and sends it the connection.
import type { Worker } from 'node:cluster'
import { createHandle, type Handle, type Query, usualBacklog } from '../node-internals.ts'
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts'
import type { Answer, Sharing } from './sharing.ts'

export class Distributor implements Sharing {
  data: unknown
  readonly #dispatcher: Dispatcher
  readonly #handle: Handle | undefined
  readonly #errno: number

  constructor(query: Query, address: string | null, options: DispatcherOptions) {
    this.#dispatcher = new Dispatcher(options)
    const opened = open(query, address)
    this.#handle = typeof opened === 'number' ? undefined : opened
    this.#errno = typeof opened === 'number' ? opened : 0
    if (this.#handle === undefined) return
    this.#handle.onconnection = (status, client) => {
      // A failed accept concerns nobody but the client that has gone.
      if (status === 0 && client !== undefined) this.#dispatcher.dispatch(client)
    }
  }

  has(worker: Worker): boolean {
    return this.#dispatcher.has(worker)
  }

  add(worker: Worker, answer: Answer): void {
    if (this.#handle === undefined) {
      answer(this.#errno, {}, undefined)
      return
    }
    answer(0, socketName(this.#handle), undefined)
    this.#dispatcher.add(worker)
  }

  remove(worker: Worker): boolean {
    if (!this.#dispatcher.remove(worker) || this.#dispatcher.size > 0) return false
    this.#dispatcher.close()
    this.#handle?.close()
    return true
  }
}

/** Bound and listening, or the number of the error. */
function open(query: Query, address: string | null): Handle | number {
  const handle = createHandle(query, address)
  if (typeof handle === 'number') return handle
  if (query.readableAll || query.writableAll) {
    // The bits of libuv's UV_READABLE and UV_WRITABLE.
    handle.fchmod?.((query.readableAll ? 1 : 0) | (query.writableAll ? 2 : 0))
  }
  const errno = handle.listen(query.backlog || usualBacklog)
  if (errno === 0) return handle
  handle.close()
  return errno
}

function socketName(handle: Handle): object {
  if (handle.getsockname === undefined) return {}
  const sockname = {}
  handle.getsockname(sockname)
  return { sockname }
}
