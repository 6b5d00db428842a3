// A cluster's worker as one that connections of an address can be given to.
import type { Worker } from 'node:cluster'
import type { Recipient } from '../../listen/balanced/recipient.ts'
import { type Handle, sendToWorker } from '../node-internals.ts'
import type { WorkerLoad } from '../worker-load.ts'

/** Who is to hear, for each worker, when its line ends: one listener, since Node does some work at each that comes and goes. */
const unanswered = new WeakMap<Worker, Set<() => void>>()

export function recipientOf(key: string, worker: Worker, load: WorkerLoad): Recipient<Handle> {
  const waiting = unansweredBy(worker)
  return {
    id: worker.id,
    load,
    send(client, done) {
      if (!worker.isConnected()) return false
      const settle = (taken: boolean): void => {
        if (waiting.delete(lost)) done(taken)
      }
      // A connection that the worker never took is still whole.
      const lost = (): void => settle(false)
      waiting.add(lost)
      // Shutting down, it declines: somebody else takes it.
      sendToWorker(worker.process, { act: 'newconn', key }, client, ({ accepted }) =>
        settle(accepted === true),
      )
      return true
    },
  }
}

function unansweredBy(worker: Worker): Set<() => void> {
  const known = unanswered.get(worker)
  if (known !== undefined) return known
  const waiting = new Set<() => void>()
  unanswered.set(worker, waiting)
  worker.process.once('disconnect', () => {
    for (const lost of [...waiting]) lost()
  })
  return waiting
}
