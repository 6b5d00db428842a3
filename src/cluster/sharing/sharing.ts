// How the workers of a cluster share one address: what every way of doing it must offer.
import type { Worker } from 'node:cluster'
import type { Handle } from '../node-internals.ts'

/** Goes to the worker that asked: an error number (0: none), more for the answer, and the handle it is to listen on. */
export type Answer = (errno: number, reply: object, handle: Handle | undefined) => void

export interface Sharing {
  /** What the first worker sent along for the others, such as the keys of TLS session tickets. */
  data: unknown
  has(worker: Worker): boolean
  add(worker: Worker, answer: Answer): void
  /** True when the last worker has left and everything is closed. */
  remove(worker: Worker): boolean
}
