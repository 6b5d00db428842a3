// One worker as the supervisor holds it: the process, its control channel, the handles that pass, and its end.
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Clock, type Millis, systemClock } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import { guardIpc, refuseHandle } from '../process/ipc-guard.ts'
import { endGroup, signalGroup } from '../process/process-group.ts'
import { startProcess } from '../process/start-process.ts'
import { type Birth, birthVariable } from '../wire/birth.ts'
import { Channel } from '../wire/channel.ts'
import {
  type HandlePurpose,
  handlePurpose,
  type SupervisorMessage,
  type WorkerMessage,
} from '../wire/messages.ts'
import type { Exit } from './state.ts'
import { asConnection, asWorkerMessage } from './worker-messages.ts'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const preload = fileURLToPath(new URL(`../worker/preload${import.meta.url.slice(-3)}`, import.meta.url))

/** stdin, stdout, stderr, Node's IPC, then the control channel, then the listening sockets. */
const controlDescriptor = 4
const firstSocketDescriptor = 5

/** How long an exited worker's last words may be on their way, when something still holds its channel open. */
const lastWordsWithin: Millis = 200

export interface WorkerSetup {
  readonly app: string
  readonly slot: number
  readonly script: string
  readonly args: readonly string[]
  readonly nodeArgs: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Descriptors or 'inherit'. */
  readonly stdout: number | 'inherit'
  readonly stderr: number | 'inherit'
  /** Address key → the slot's socket. */
  readonly sockets: ReadonlyMap<string, Socket>
}

export interface WorkerEvents {
  message(message: WorkerMessage): void
  /** The program itself sent this over Node's IPC. */
  said(message: unknown): void
  /** An idle connection to be handed on; its bytes are not being read. */
  connection(key: string, id: number, socket: Socket): void
  /** The control channel is broken while the process may live. */
  fault(error: Error): void
  exit(exit: Exit, spawnError: Error | undefined): void
}

export class WorkerProcess {
  readonly #child: ChildProcess
  #channel: Channel<WorkerMessage, SupervisorMessage> | undefined
  readonly #clock: Clock
  readonly startedAt: Millis
  #exited = false

  constructor(setup: WorkerSetup, events: WorkerEvents, clock: Clock = systemClock) {
    this.#clock = clock
    this.startedAt = clock.now()
    const keys = [...setup.sockets.keys()]
    const birth: Birth = {
      app: setup.app,
      slot: setup.slot,
      control: controlDescriptor,
      sockets: Object.fromEntries(keys.map((key, index) => [key, firstSocketDescriptor + index])),
    }
    const started = startProcess({
      file: process.execPath,
      args: [...setup.nodeArgs, '--require', preload, setup.script, ...setup.args],
      options: {
        cwd: setup.cwd,
        env: { ...setup.env, [birthVariable]: JSON.stringify(birth) },
        ownGroup: true, // so that its whole tree can be signalled
      },
      stdio: ['ignore', setup.stdout, setup.stderr, 'ipc', 'pipe', ...setup.sockets.values()],
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
    guardIpc(this.#child, (error) => {
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
    let over = false
    const end = (exit: Exit, error?: Error): void => {
      if (over) return
      over = true
      this.#exited = true
      // The report of an uncaught exception may still be unread; it explains the exit, so it comes first.
      const waited = new Promise<void>((resolve) => clock.at(clock.now() + lastWordsWithin, resolve))
      Promise.race([lastWords, waited]).then(() => {
        this.#channel?.close()
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

  /** Passes a listening socket; the supervisor keeps its own. */
  sendListener(purpose: HandlePurpose & { type: 'listen' | 'adopt' }, socket: Socket): boolean {
    return this.#sendHandle(purpose, socket, () => {})
  }

  /** Passes a connection for good. */
  sendConnection(key: string, id: number, socket: Socket): boolean {
    return this.#sendHandle({ type: 'connection', key, id }, socket, () => socket.destroy())
  }

  /** Signals the process and every descendant in its group. */
  signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined && !this.#exited) signalGroup(this.pid, signal)
  }

  /** Signals the process alone. */
  signalLeader(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends what the exited process left in its group. */
  endRest(signal: NodeJS.Signals, within: Millis): Promise<void> {
    return this.pid === undefined
      ? Promise.resolve()
      : endGroup(this.pid, signal, this.#clock.now() + within, this.#clock)
  }

  /**
   * `sent` is called when the handle has left, or has failed to: a worker may die meanwhile, and its exit tells more than
   * that. Always with `keepOpen`: without it Node keeps a handle for ever when its receiver dies before it acknowledges.
   */
  #sendHandle(purpose: HandlePurpose, socket: Socket, sent: () => void): boolean {
    if (!this.#child.connected) return false
    this.#child.send({ brood: purpose }, socket, { keepOpen: true }, sent)
    return true
  }

  #receive(purpose: HandlePurpose, handle: unknown, events: WorkerEvents): void {
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
