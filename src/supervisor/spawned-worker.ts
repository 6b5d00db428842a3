// A worker that this supervisor started: the process, its control channel, the handles that pass, and its end.
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Clock, type Millis, systemClock } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import type { Identity } from '../process/identity.ts'
import { guardIpc, refuseHandle } from '../process/ipc-guard.ts'
import { endGroup, signalGroup } from '../process/process-group.ts'
import { startProcess } from '../process/start-process.ts'
import { type AnySocket, stdioOf } from '../wire/any-socket.ts'
import { type BareHandle, isBareHandle } from '../wire/bare-handle.ts'
import { type Birth, birthVariable, type LogBirth, type Rescue } from '../wire/birth.ts'
import { Channel } from '../wire/channel.ts'
import { inspectorArguments } from '../wire/inspector.ts'
import {
  type HandlePurpose,
  handlePurpose,
  type SupervisorMessage,
  type WorkerMessage,
} from '../wire/messages.ts'
import { HandleLine } from './handle-line.ts'
import type { Exit } from './state.ts'
import { asBare, asConnection, asWorkerMessage } from './worker-messages.ts'
import { lastWordsWithin, type WorkerEvents, type WorkerProcess } from './worker-process.ts'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const preload = fileURLToPath(new URL(`../worker/preload${import.meta.url.slice(-3)}`, import.meta.url))

/** stdin, stdout, stderr, Node's IPC, then the control channel, then the listening sockets. */
const controlDescriptor = 4
const firstSocketDescriptor = 5

export interface WorkerSetup {
  readonly app: string
  readonly slot: number
  /** Its number, and that of the description it is started by. */
  readonly worker: number
  readonly release: number
  readonly rescue: Rescue | undefined
  /** Whether it is to count its requests. */
  readonly counts: boolean
  readonly logs: LogBirth | undefined
  readonly identity: Identity | undefined
  readonly script: string
  readonly args: readonly string[]
  readonly nodeArgs: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Descriptors or 'inherit'. */
  readonly stdout: number | 'inherit'
  readonly stderr: number | 'inherit'
  /** Address key → the slot's socket. */
  readonly sockets: ReadonlyMap<string, AnySocket>
  /** Addresses whose connections it is sent. */
  readonly balanced: readonly string[]
  /** Whether "any free UDP port" is each worker's own, because no other could be shared. */
  readonly ownUdpPorts: boolean
  /** Whether it is to tell how many connections it has. */
  readonly tellsLoad: boolean
  /** Whether it is to tell when connections come in. */
  readonly tellsActivity: boolean
  readonly ownPorts: boolean
  /** What it keeps for others. */
  readonly held: readonly KeptSocket[]
}

/** A listening socket of some app, as it is given to workers to keep. */
export interface KeptSocket {
  readonly app: string
  readonly key: string
  readonly slot: number
  readonly socket: AnySocket
}

export class SpawnedWorker implements WorkerProcess {
  readonly takesSockets = true
  readonly #child: ChildProcess
  #channel: Channel<WorkerMessage, SupervisorMessage> | undefined
  readonly #clock: Clock
  readonly startedAt: Millis
  #exited = false
  readonly #handles: HandleLine

  constructor(setup: WorkerSetup, events: WorkerEvents, clock: Clock = systemClock) {
    this.#clock = clock
    this.startedAt = clock.now()
    const keys = [...setup.sockets.keys()]
    const firstHeld = firstSocketDescriptor + keys.length
    const birth: Birth = {
      app: setup.app,
      slot: setup.slot,
      worker: setup.worker,
      release: setup.release,
      control: controlDescriptor,
      sockets: Object.fromEntries(keys.map((key, index) => [key, firstSocketDescriptor + index])),
      held: setup.held.map(({ app, key, slot }, index) => ({ app, key, slot, fd: firstHeld + index })),
      ...(setup.balanced.length > 0 ? { balanced: setup.balanced } : {}),
      ...(setup.ownUdpPorts ? { ownUdpPorts: true } : {}),
      ...(setup.tellsLoad ? { tellsLoad: true } : {}),
      ...(setup.ownPorts ? { ownPorts: true } : {}),
      ...(setup.tellsActivity ? { tellsActivity: true } : {}),
      ...(setup.counts ? { counts: true } : {}),
      ...(setup.logs === undefined ? {} : { logs: setup.logs }),
      ...(setup.rescue === undefined ? {} : { rescue: setup.rescue }),
    }
    const started = startProcess({
      file: process.execPath,
      args: [
        ...setup.nodeArgs,
        ...inspectorArguments(setup.nodeArgs, setup.env.NODE_OPTIONS, setup.stderr !== 'inherit'),
        '--require',
        preload,
        setup.script,
        ...setup.args,
      ],
      options: {
        cwd: setup.cwd,
        env: { ...setup.env, [birthVariable]: JSON.stringify(birth) },
        ownGroup: true, // so that its whole tree can be signalled
        ...(setup.identity === undefined ? {} : { uid: setup.identity.uid, gid: setup.identity.gid }),
      },
      stdio: [
        'ignore',
        setup.stdout,
        setup.stderr,
        'ipc',
        'pipe',
        ...[...setup.sockets.values()].map(stdioOf),
        ...setup.held.map(({ socket }) => stdioOf(socket)),
      ],
    })
    if ('failure' in started) throw started.failure
    this.#child = started.process
    const control = this.#child.stdio[controlDescriptor]
    let lastWords = Promise.resolve()
    if (control instanceof Socket) {
      lastWords = new Promise((resolve) => {
        this.#channel = new Channel<WorkerMessage, SupervisorMessage>(control, asWorkerMessage, {
          message: (message) => {
            try {
              events.message(message)
            } catch (error) {
              // A fault of ours costs this worker, not the supervisor and with it all the others.
              events.fault(error instanceof Error ? error : new Error(String(error)))
            }
          },
          close: (error) => {
            resolve()
            if (!this.#exited) this.#onChannelClosed(error, events)
          },
        })
      })
    }
    let broken = false
    guardIpc(this.#child, (error) => {
      broken = true
      if (!this.#exited) events.fault(error)
    })
    this.#child.on('message', (message, handle) => {
      const purpose = handlePurpose(message)
      if (purpose !== undefined) {
        this.#receive(purpose, handle, events)
        return
      }
      refuseHandle(handle)
      events.said(message)
    })
    this.#handles = new HandleLine(this.#child)
    // Everything that the worker said has been read by then, so what is not acknowledged has not been touched. But of one that we
    // have stopped listening to, only its end tells.
    this.#child.once('disconnect', () => {
      if (!broken) this.#handles.end()
    })
    let over = false
    const end = (exit: Exit, error?: Error): void => {
      if (over) return
      over = true
      this.#exited = true
      // The report of an uncaught exception may still be unread; it explains the exit, so it comes first.
      const waited = new Promise<void>((resolve) => clock.at(clock.now() + lastWordsWithin, resolve))
      Promise.race([lastWords, waited]).then(() => {
        this.#channel?.close()
        this.#handles.end()
        events.exit(exit, error)
      })
    }
    this.#child.on('error', (error) => {
      // Also raised when sending over IPC fails; only a process that never was ends here.
      if (this.#child.pid === undefined) end({ code: null, signal: null }, error)
    })
    this.#child.on('exit', (code, signal) => end({ code, signal }))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  send(message: SupervisorMessage): void {
    this.#channel?.send(message)
  }

  sendListener(purpose: HandlePurpose & { type: 'listen' | 'adopt' | 'hold' }, socket: AnySocket): boolean {
    return this.#handles.send({ brood: purpose }, socket, () => {})
  }

  sendConnection(key: string, id: number, socket: Socket, done: (taken: boolean) => void): boolean {
    const purpose: HandlePurpose = { type: 'connection', key, id }
    return this.#handles.send({ brood: purpose }, socket, done)
  }

  sendClient(key: string, client: BareHandle, done: (taken: boolean) => void): boolean {
    const purpose: HandlePurpose = { type: 'client', key }
    return this.#handles.send({ brood: purpose }, client, done)
  }

  signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined && !this.#exited) signalGroup(this.pid, signal)
  }

  signalLeader(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  endRest(signal: NodeJS.Signals, within: Millis): Promise<void> {
    return this.pid === undefined
      ? Promise.resolve()
      : endGroup(this.pid, signal, this.#clock.now() + within, this.#clock)
  }

  #receive(purpose: HandlePurpose, handle: unknown, events: WorkerEvents): void {
    const bare = isBareHandle(handle) ? asBare(purpose) : undefined
    if (bare !== undefined && isBareHandle(handle)) {
      events.bare(bare.type, bare.key, handle)
      return
    }
    const connection = asConnection(purpose)
    if (connection === undefined || !(handle instanceof Socket)) {
      refuseHandle(handle)
      return
    }
    // While it only passes through, its other end may vanish; without a listener that would end the supervisor.
    handle.on('error', () => {})
    events.connection(connection.key, connection.id, handle)
  }

  #onChannelClosed(error: Error | undefined, events: WorkerEvents): void {
    // We closed it for what the worker wrote. Told before it can exit by itself, which it does when its channel is gone.
    if (error instanceof BroodError) {
      events.fault(error)
      return
    }
    // An exiting process closes its end just before its exit is seen; a moment tells the two apart.
    this.#clock.at(this.#clock.now() + lastWordsWithin, () => {
      if (!this.#exited)
        events.fault(error ?? new BroodError('bad_frame', 'the worker closed its control channel'))
    })
  }
}
