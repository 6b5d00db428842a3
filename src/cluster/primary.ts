// The primary's half of the cluster: forks workers, tells what becomes of them, answers what they ask.
import { fork } from 'node:child_process'
import type { Cluster, Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RequestOptions } from '../process/questions.ts'
import { Listeners } from './listeners.ts'
import {
  assertSupported,
  hearWorker,
  onDebuggerEnabled,
  sendToWorker,
  type WorkerNotice,
} from './node-internals.ts'
import { type PreloadTasks, preloadVariable } from './preload-tasks.ts'
import { WorkerConversation } from './requests.ts'
import {
  algorithmOf,
  countsConnections,
  policyOf,
  SCHED_NONE,
  SCHED_RR,
  SCHED_SLOTS,
  type SchedulingPolicy,
} from './scheduling.ts'
import { type BroodClusterSettings, mergeSettings, workerExecArgv } from './settings.ts'
import { type ClusterWorker, WorkerLoad } from './worker-load.ts'

const { Worker: NodeWorker } = process.getBuiltinModule('node:cluster')

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const preload = fileURLToPath(new URL(`./worker-preload${import.meta.url.slice(-3)}`, import.meta.url))

/** `node:cluster` in a primary, and what brood adds to it. */
export interface PrimaryCluster
  extends Omit<
    Cluster,
    'schedulingPolicy' | 'setupPrimary' | 'setupMaster' | 'settings' | 'fork' | 'workers'
  > {
  fork(env?: Record<string, unknown>): ClusterWorker
  /** By id; of a primary. */
  readonly workers: NodeJS.Dict<ClusterWorker>
  readonly settings: BroodClusterSettings
  setupPrimary(options?: BroodClusterSettings): void
  setupMaster(options?: BroodClusterSettings): void
  readonly SCHED_SLOTS: typeof SCHED_SLOTS
  /** Takes effect with the first `fork` or `setupPrimary`, and stays from then on. */
  schedulingPolicy: SchedulingPolicy
  /**
   * Asks a worker and gives its answer: `await cluster.request(worker, 'status', undefined, { timeout: 1000 })`. The worker
   * answers by `parent.answer('status', () => …)` of `brood/process/parent`. Primary only. Times in milliseconds. Errors:
   * `timed_out`, `aborted`, `channel_closed`, `no_handler`, `handler_failed`, `message_invalid`, `message_too_large`.
   */
  request(worker: Worker, name: string, value: unknown, options?: RequestOptions): Promise<unknown>
}

/** Told in the words of Node's documentation: none, online, listening, disconnected, dead. */
type Stateful = Worker & { state: string }

export function createPrimary(): PrimaryCluster {
  assertSupported()
  const emitter = new EventEmitter()
  /** Emits 'empty' when the last worker has left. */
  const leaving = new EventEmitter()
  const workers: NodeJS.Dict<Worker> = {}
  let ids = 0
  let policy: SchedulingPolicy | undefined
  const loads = new WeakMap<Worker, WorkerLoad>()
  const conversations = new WeakMap<Worker, WorkerConversation>()
  const listeners = new Listeners(() => policy ?? SCHED_RR, loadOf)

  const cluster = Object.assign(emitter, {
    isWorker: false,
    isMaster: true,
    isPrimary: true,
    Worker: NodeWorker,
    workers,
    settings: {} as BroodClusterSettings,
    SCHED_NONE,
    SCHED_RR,
    SCHED_SLOTS,
    schedulingPolicy: policyOf(process.env),
    setupPrimary,
    setupMaster: setupPrimary,
    fork: forkWorker,
    disconnect,
    request,
  })
  return cluster as unknown as PrimaryCluster // the emitter's overloads are those of Node's types

  function setupPrimary(options?: BroodClusterSettings): void {
    const settings = mergeSettings(cluster.settings, options)
    cluster.settings = settings
    process.nextTick(() => emitter.emit('setup', settings))
    if (policy !== undefined) return
    algorithmOf(cluster.schedulingPolicy) // throws for what is no policy
    policy = cluster.schedulingPolicy
    onDebuggerEnabled(() => {
      for (const worker of Object.values(workers)) if (worker !== undefined) debug(worker as Stateful)
    })
  }

  function forkWorker(env?: Record<string, unknown>): Worker {
    setupPrimary()
    const id = ++ids
    const worker = createWorker(id, env)
    workers[id] = worker
    worker.on('message', (message, handle) => emitter.emit('message', worker, message, handle))
    worker.process.once('exit', (code, signal) => {
      if (!worker.isConnected()) {
        listeners.left(worker)
        remove(worker)
      }
      tell(worker, 'dead', 'exit', code, signal)
    })
    worker.process.once('disconnect', () => {
      listeners.left(worker)
      // Until its process has ended too, a program may still want to look at it.
      if (worker.isDead()) remove(worker)
      tell(worker, 'disconnected', 'disconnect')
    })
    hearWorker(worker.process, (notice) => hear(worker, notice))
    process.nextTick(() => emitter.emit('fork', worker))
    return worker
  }

  function createWorker(id: number, env: Record<string, unknown> | undefined): Stateful {
    const { settings } = cluster
    const { exec = '', args = [], cwd, serialization, silent, windowsHide, stdio, gid, uid } = settings
    const tasks = preloadTasks()
    const needed = Object.keys(tasks).length > 0
    const child = fork(exec, args, {
      ...defined({ cwd, serialization, silent, windowsHide, stdio, gid, uid }),
      env: {
        ...process.env,
        ...env,
        NODE_UNIQUE_ID: `${id}`,
        ...(needed ? { [preloadVariable]: JSON.stringify(tasks) } : {}),
      } as NodeJS.ProcessEnv, // Node turns values into text
      execArgv: [...workerExecArgv(settings), ...(needed ? ['--require', preload] : [])],
    })
    const worker = construct({ id, process: child })
    return Object.assign(worker, {
      disconnect() {
        worker.exitedAfterDisconnect = true
        sendToWorker(child, { act: 'disconnect' }, undefined)
        listeners.left(worker)
        remove(worker)
        return worker
      },
      destroy(signal?: NodeJS.Signals) {
        child.kill(signal ?? 'SIGTERM')
      },
    })
  }

  function hear(worker: Stateful, notice: WorkerNotice): void {
    switch (notice.act) {
      case 'online':
        worker.state = 'online'
        worker.emit('online')
        emitter.emit('online', worker)
        return
      case 'listening': {
        const { addressType, address, port, fd } = notice
        const where = { addressType, address, port, fd }
        worker.state = 'listening'
        worker.emit('listening', where)
        emitter.emit('listening', worker, where)
        return
      }
      case 'queryServer':
        // One that is leaving gets nothing new.
        if (!worker.exitedAfterDisconnect) listeners.answer(worker, notice)
        return
      case 'close':
        return listeners.closed(worker, notice.key)
      case 'exitedAfterDisconnect':
        worker.exitedAfterDisconnect = true
        sendToWorker(worker.process, { ack: notice.seq }, undefined)
        return
    }
  }

  function tell(worker: Stateful, state: string, event: 'exit' | 'disconnect', ...args: unknown[]): void {
    worker.exitedAfterDisconnect = Boolean(worker.exitedAfterDisconnect)
    worker.state = state
    ;(worker as EventEmitter).emit(event, ...args)
    emitter.emit(event, worker, ...args)
  }

  function request(worker: Worker, name: string, value: unknown, options?: RequestOptions): Promise<unknown> {
    const known = conversations.get(worker)
    const conversation = known ?? new WorkerConversation(worker, cluster.settings.serialization ?? 'json')
    conversations.set(worker, conversation)
    return conversation.request(name, value, options)
  }

  function remove(worker: Worker): void {
    delete workers[worker.id]
    if (Object.keys(workers).length === 0) leaving.emit('empty')
  }

  function disconnect(callback?: () => void): void {
    const all = Object.values(workers)
    if (all.length === 0) process.nextTick(() => leaving.emit('empty'))
    for (const worker of all) if (worker?.isConnected()) worker.disconnect()
    if (typeof callback === 'function') leaving.once('empty', callback)
  }

  function loadOf(worker: Worker): WorkerLoad {
    const load = loads.get(worker) ?? new WorkerLoad(worker)
    loads.set(worker, load)
    return load
  }

  function preloadTasks(): PreloadTasks {
    return {
      ...(countsConnections(policy ?? SCHED_RR) ? { countConnections: true } : {}),
      ...(cluster.settings.outlivePrimary ? { outlivePrimary: true } : {}),
    }
  }
}

/** Node's own class, so that `instanceof` holds for both modules; what its constructor takes is not in its types. */
function construct(options: object): Stateful {
  return new (NodeWorker as unknown as new (options: object) => Stateful)(options)
}

/** SIGUSR1 opens a debugger, in a worker as in the primary. */
function debug(worker: Stateful): void {
  const open = (): void => void worker.process.kill('SIGUSR1')
  if (worker.state === 'online' || worker.state === 'listening') open()
  else worker.once('online', open)
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}
