// One worker as the supervisor holds it, whoever started it: what it can be told, and what is heard of it.
import type { Socket } from 'node:net'
import type { Millis } from '../kernel/clock.ts'
import type { AnySocket } from '../wire/any-socket.ts'
import type { BareHandle } from '../wire/bare-handle.ts'
import type { HandlePurpose, SupervisorMessage, WorkerMessage } from '../wire/messages.ts'
import type { Exit } from './state.ts'

export interface WorkerProcess {
  readonly pid: number | undefined
  readonly startedAt: Millis
  /** Sockets can be sent to children only, not to workers that an earlier supervisor started. */
  readonly takesSockets: boolean
  send(message: SupervisorMessage): void
  /** Passes a listening socket; the supervisor keeps its own. False when that is not possible. */
  sendListener(purpose: HandlePurpose & { type: 'listen' | 'adopt' | 'hold' }, socket: AnySocket): boolean
  /**
   * Passes a connection whose reading has stopped; `done` tells once whether the worker has it. The socket stays the caller's.
   * False, without `done`, when that is not possible any more.
   */
  sendConnection(key: string, id: number, socket: Socket, done: (taken: boolean) => void): boolean
  /**
   * Sends a connection that nobody has read; `done` tells once whether the worker has it. The handle stays the caller's.
   * False, without `done`, when that is not possible any more.
   */
  sendClient(key: string, client: BareHandle, done: (taken: boolean) => void): boolean
  /** Signals the process and every descendant in its group. */
  signal(signal: NodeJS.Signals): void
  /** Signals the process alone. */
  signalLeader(signal: NodeJS.Signals): void
  /** Ends what the exited process left in its group. */
  endRest(signal: NodeJS.Signals, within: Millis): Promise<void>
}

export interface WorkerEvents {
  message(message: WorkerMessage): void
  /** The program itself sent this over Node's IPC. */
  said(message: unknown): void
  /** An idle connection to be handed on; its bytes are not being read. */
  connection(key: string, id: number, socket: Socket): void
  /** The bound socket of a balanced address, or a connection that the worker gives back. */
  bare(type: 'queue' | 'client', key: string, handle: BareHandle): void
  /** The control channel is broken while the process may live. */
  fault(error: Error): void
  exit(exit: Exit, spawnError: Error | undefined): void
}

/** How long an exited worker's last words may be on their way, when something still holds its channel open. */
export const lastWordsWithin: Millis = 200
