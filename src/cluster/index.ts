// `brood/cluster`: a drop-in for `node:cluster`. Existing code runs unchanged; in workers it is Node's own.
import { createPrimary, type PrimaryCluster } from './primary.ts'

const native = process.getBuiltinModule('node:cluster')

/**
 * In a primary, brood's: every event and setting of Node's, and more scheduling policies. In a worker, whether it was
 * forked by brood or by Node, the module that Node itself has set up there.
 */
const cluster: PrimaryCluster = native.isWorker ? (native as unknown as PrimaryCluster) : createPrimary()

export default cluster
/** `const cluster = require('brood/cluster')` gets the cluster itself, as it does from Node. */
export { cluster as 'module.exports' }

export const {
  disconnect,
  fork,
  isMaster,
  isPrimary,
  isWorker,
  request,
  SCHED_NONE,
  SCHED_RR,
  SCHED_SLOTS,
  schedulingPolicy,
  settings,
  setupMaster,
  setupPrimary,
  Worker,
  worker,
  workers,
} = cluster
