// What every share mode provides: the sockets of one address, held by the supervisor for the app's life.
import type { AnySocket } from '../wire/any-socket.ts'

/**
 * The sockets of one address. The supervisor binds them and never accepts; workers listen on what they are handed.
 * A stream's socket is a `net.Socket` only because that is what Node's public API can pass on: as stdio of a child at its
 * start, and by `child.send(message, socket, { keepOpen: true })` later.
 */
export interface AddressSockets {
  readonly key: string
  /** How people write it: `*:3000`, `127.0.0.1:8080`, `/run/app.sock`, `udp *:5353`. */
  readonly label: string
  /** Undefined for unix sockets, and while "any free port" is not known. */
  readonly port: number | undefined
  /** By slot, where each has its own. */
  readonly ports?: readonly number[]
  /** The same as people write it. */
  readonly labels?: readonly string[]
  /** How many queues the kernel spreads connections over: a slot nobody accepts on would swallow its share. */
  readonly queues: number
  /** Whether that slot's socket is there. Binding a socket of UDP is enough to get datagrams that somebody must read. */
  isBound(slot: number): boolean
  /** The socket that the worker of `slot` listens on, bound now if it is not yet. */
  socketOf(slot: number): AnySocket
  close(): void
  /** Somebody else has opened them and listens on: they stay open, and are there when the app starts again. */
  readonly lasting?: true
}
