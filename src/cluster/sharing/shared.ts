// SCHED_NONE: every worker gets the same handle and accepts from it; the system decides who is first.
import type { Worker } from 'node:cluster'
import { createHandle, type Handle, type Query } from '../node-internals.ts'
import type { Answer, Sharing } from './sharing.ts'

export class SharedListener implements Sharing {
  data: unknown
  readonly #workers = new Set<number>()
  readonly #handle: Handle | undefined
  readonly #errno: number

  constructor(query: Query, address: string | null) {
    const created = createHandle(query, address)
    this.#handle = typeof created === 'number' ? undefined : created
    this.#errno = typeof created === 'number' ? created : 0
  }

  has(worker: Worker): boolean {
    return this.#workers.has(worker.id)
  }

  add(worker: Worker, answer: Answer): void {
    this.#workers.add(worker.id)
    answer(this.#errno, {}, this.#handle)
  }

  remove(worker: Worker): boolean {
    if (!this.#workers.delete(worker.id) || this.#workers.size > 0) return false
    this.#handle?.close()
    return true
  }
}
