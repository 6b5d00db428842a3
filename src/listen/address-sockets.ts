// What every share mode provides: the sockets of one address, held by the supervisor for the app's life.
import type { Socket } from 'node:net'

/**
 * The sockets of one address. The supervisor binds them and never accepts; workers listen on what they are handed.
 * A socket is a `net.Socket` only because that is what Node's public API can pass on: as stdio of a child at its
 * start, and by `child.send(message, socket, { keepOpen: true })` later.
 */
export interface AddressSockets {
  readonly key: string
  /** How people write it: `*:3000`, `127.0.0.1:8080`, `/run/app.sock`. */
  readonly label: string
  /** Undefined for unix sockets. */
  readonly port: number | undefined
  /** By slot, where each has its own. */
  readonly ports?: readonly number[]
  /** How many queues the kernel spreads connections over: a slot nobody accepts on would swallow its share. */
  readonly queues: number
  /** The socket that the worker of `slot` listens on. */
  socketOf(slot: number): Socket
  close(): void
  /** Somebody else has opened them and listens on: they stay open, and are there when the app starts again. */
  readonly lasting?: true
}
