// How busy a worker is, as its primary knows it: what the worker last told, and what was sent to it since.
import type { Worker } from 'node:cluster'
import { Load, type Target } from '../balance/index.ts'
import { onLoadReport } from './node-internals.ts'

/** A worker as its primary holds it. */
export interface ClusterWorker extends Worker {
  /** Its share for the policies that weigh; 1 unless set. */
  weight?: number
}

/** The weight may be set at any time; all else is as for every load. */
export class WorkerLoad implements Target {
  readonly #worker: ClusterWorker
  readonly #load: Load

  constructor(worker: Worker) {
    this.#worker = worker
    this.#load = new Load(worker.id, () => performance.now())
    onLoadReport(worker.process, ({ open, taken }) => this.#load.report(open, taken))
  }

  get id(): number {
    return this.#worker.id
  }

  get connections(): number {
    return this.#load.connections
  }

  get weight(): number {
    return this.#worker.weight ?? 1
  }

  get latency(): number {
    return this.#load.latency
  }

  sending(): void {
    this.#load.sending()
  }

  declined(): void {
    this.#load.declined()
  }

  pickedUp(after: number): void {
    this.#load.pickedUp(after)
  }
}
