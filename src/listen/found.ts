// What is left of an address that an earlier supervisor held: sockets that were passed on, and workers that still listen.
import type { AnySocket } from '../wire/any-socket.ts'
import { isDatagramHandle } from '../wire/datagram-handle.ts'

export interface Found {
  /** By slot; a shared address has one, in slot 0. */
  readonly sockets: ReadonlyMap<number, AnySocket>
  /** What "any free port" was. */
  readonly port?: number
  /** The port of each slot, where each has its own. */
  readonly ports?: readonly number[]
  /** Workers of the app listen there on sockets that could not be passed on, so the address is not free, and yet ours. */
  readonly occupied: boolean
}

export const nothingFound: Found = { sockets: new Map(), occupied: false }

/** The port a socket is bound to. */
export function portOf(socket: AnySocket): number | undefined {
  if (isDatagramHandle(socket)) {
    const address: { port?: number } = {}
    socket.getsockname(address)
    return address.port
  }
  const address = socket.address()
  return 'port' in address ? address.port : undefined
}
