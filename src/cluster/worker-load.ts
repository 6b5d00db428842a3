// How busy a worker is, as its primary knows it: what the worker last told, and what was sent to it since.
import type { Worker } from 'node:cluster'
import type { Target } from '../balance/index.ts'
import { onLoadReport } from './node-internals.ts'

/** A program may give a worker more or less than the usual share for the policy `weighted`: `worker.weight = 2`. */
type Weighted = Worker & { weight?: number }

export class WorkerLoad implements Target {
  /** Connections sent to it since it began. */
  sent = 0
  readonly #worker: Weighted
  #open = 0
  #taken = 0

  constructor(worker: Worker) {
    this.#worker = worker
    onLoadReport(worker.process, ({ open, taken }) => {
      this.#open = open
      this.#taken = taken
    })
  }

  get id(): number {
    return this.#worker.id
  }

  get connections(): number {
    return this.#open + Math.max(0, this.sent - this.#taken)
  }

  get weight(): number {
    return this.#worker.weight ?? 1
  }
}
