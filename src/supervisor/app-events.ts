// What an app tells whoever keeps it, and what it asks of them.
import type { AddressSockets } from '../listen/address-sockets.ts'
import type { Rescue } from '../wire/birth.ts'
import type { ListenAddress } from '../wire/messages.ts'
import type { KeptSocket } from './spawned-worker.ts'
import type { AppState, Notice } from './state.ts'

export interface AppEvents {
  notice(notice: Notice, pid: number | undefined): void
  started(slot: number, pid: number): void
  /** Something that the app's description asks for cannot be had. */
  warning(text: string): void
  /** A worker's loop did not turn; `stack` is where it was, or why that is not known. */
  blocked(slot: number, pid: number | undefined, reason: string, stack: readonly string[]): void
  /** A worker has begun a new log file, or has ended and let go of one. */
  rotated(): void
  /** Idle connections have moved between workers. */
  rebalanced(summary: string): void
  /** A worker's output was lost. */
  unwritten(slot: number, stream: string, code: string): void
  /** Something has changed that a next supervisor has to know. */
  changed(): void
  /** A socket has come into use: every worker of every app is to keep it. */
  opened(socket: KeptSocket): void
  /** The app has given these addresses back; settles when nobody keeps them any more. */
  released(keys: readonly string[]): Promise<void>
  /** The sockets of an address that the service manager has opened, if it has. */
  given(address: ListenAddress): AddressSockets | undefined
  /** A worker no longer keeps what request `request` was about. */
  hasLetGo(app: string, worker: number, request: number): void
  /** The sockets in use by all apps. */
  kept(): KeptSocket[]
  /** How its workers bring back a supervisor; undefined when they are to end with it. */
  rescue(slot: number, mayStart: boolean): Rescue | undefined
}

/** What an earlier supervisor knew of an app, beyond its description. */
export interface Heritage {
  readonly wanted?: AppState['wanted'] | undefined
  /** The release that workers have proved, if the latest has yet to. */
  readonly trusted?: number | undefined
}
