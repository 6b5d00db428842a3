// How busy a worker is, as its primary knows it: what the worker last told, and what was sent to it since.
import type { Worker } from 'node:cluster'
import type { Target } from '../balance/index.ts'
import { onLoadReport } from './node-internals.ts'

/** A worker as its primary holds it. */
export interface ClusterWorker extends Worker {
  /** Its share for the policies `weighted`, `least-connections` and `two-choices`; 1 unless set. */
  weight?: number
}

export class WorkerLoad implements Target {
  /** Connections sent to it since it began. */
  sent = 0
  readonly #worker: ClusterWorker
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
