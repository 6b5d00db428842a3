// A cluster's worker as one that connections of an address can be given to.
import type { Worker } from 'node:cluster'
import type { Recipient } from '../../listen/balanced/recipient.ts'
import { type Handle, sendToWorker } from '../node-internals.ts'
import type { WorkerLoad } from '../worker-load.ts'

export function recipientOf(key: string, worker: Worker, load: WorkerLoad): Recipient<Handle> {
  return {
    id: worker.id,
    load,
    send(client, done) {
      let over = false
      const settle = (taken: boolean): void => {
        if (over) return
        over = true
        worker.process.off('disconnect', lost)
        done(taken)
      }
      // A connection that the worker never took is still whole.
      const lost = (): void => settle(false)
      // Shutting down, it declines: somebody else takes it.
      const reply = ({ accepted }: { accepted?: boolean }): void => settle(accepted === true)
      if (!worker.isConnected()) return false
      worker.process.once('disconnect', lost)
      sendToWorker(worker.process, { act: 'newconn', key }, client, reply)
      return true
    },
  }
}
