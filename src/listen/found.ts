// What is left of an address that an earlier supervisor held: sockets that were passed on, and workers that still listen.
import type { Socket } from 'node:net'

export interface Found {
  /** By slot; a shared address has one, in slot 0. */
  readonly sockets: ReadonlyMap<number, Socket>
  /** What "any free port" was. */
  readonly port?: number
  /** The port of each slot, where each has its own. */
  readonly ports?: readonly number[]
  /** Workers of the app listen there on sockets that could not be passed on, so the address is not free, and yet ours. */
  readonly occupied: boolean
}

export const nothingFound: Found = { sockets: new Map(), occupied: false }

/** The port a socket is bound to. */
export function portOf(socket: Socket): number | undefined {
  const address = socket.address()
  return 'port' in address ? address.port : undefined
}
