// Makes `node:cluster` look inside a worker as it does in a cluster's worker, so that programs which fork by it run as they are.

import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'

const cluster = process.getBuiltinModule('node:cluster')

interface Face {
  isPrimary: boolean
  isMaster: boolean
  isWorker: boolean
  worker: Worker | undefined
}
const face = cluster as unknown as Face // the module object is writable; only its types say otherwise

/** Installs the face; `leave` drains the worker and ends it. */
export function wearClusterFace(slot: number, leave: () => void): void {
  face.isPrimary = false
  face.isMaster = false
  face.isWorker = true
  face.worker = asWorker(slot, leave)
}

/**
 * Runs `call` as if in a primary. Node's own `listen` asks `cluster.isPrimary` whether to take a socket from the
 * cluster's primary; in a brood worker there is none, and the descriptor is already at hand.
 */
export function asPrimary<T>(call: () => T): T {
  const before = face.isPrimary
  face.isPrimary = true
  try {
    return call()
  } finally {
    face.isPrimary = before
  }
}

function asWorker(slot: number, leave: () => void): Worker {
  const worker = Object.assign(new EventEmitter(), {
    id: slot + 1, // cluster counts its workers from 1
    process,
    exitedAfterDisconnect: undefined as boolean | undefined,
    send: (...args: Parameters<NonNullable<typeof process.send>>) => process.send?.(...args) ?? false,
    isConnected: () => process.connected,
    isDead: () => false,
    disconnect() {
      worker.exitedAfterDisconnect = true
      leave()
      return worker
    },
    kill() {
      worker.exitedAfterDisconnect = true
      leave()
    },
    destroy() {
      worker.exitedAfterDisconnect = true
      leave()
    },
  })
  return worker as unknown as Worker // the parts of it that exist inside a worker
}
