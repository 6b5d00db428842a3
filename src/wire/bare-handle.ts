// A socket's handle without a JavaScript stream around it: what Node passes between processes without beginning to read it.
import type { Socket } from 'node:net'

/** Of a listening socket, or of a connection. */
export interface BareHandle {
  close(closed?: () => void): void
  listen(backlog: number): number
  onconnection: ((status: number, client: BareHandle | undefined) => void) | undefined
  /** Not on unix sockets. */
  getsockname?(out: object): number
  getpeername?(out: { address?: string }): number
}

/** What a child, or a parent, is sent by; bare handles may be sent, only Node's types do not know. */
export type HandleSender = (
  message: object,
  handle: object,
  options: { keepOpen: boolean } | undefined,
  sent: (error: Error | null) => void,
) => boolean

export function isBareHandle(value: unknown): value is BareHandle {
  return (
    typeof value === 'object' &&
    value !== null &&
    'listen' in value &&
    typeof value.listen === 'function' &&
    'close' in value
  )
}

/** The handle of a socket that Node has wrapped; undefined when it is closed, or when this Node hides it. */
export function bareHandleOf(socket: Socket): BareHandle | undefined {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined
  return isBareHandle(handle) ? handle : undefined
}
