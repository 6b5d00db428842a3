// The private way to listen on a unix socket that came over IPC: Node's public `listen(handle)` takes TCP handles only.
import type { Server, Socket } from 'node:net'

interface PipeHandle {
  readonly fd: number
  readStop(): number
}

/**
 * Has `server` listen on a received unix socket, by its descriptor. Must run in the tick in which the socket arrived:
 * Node starts to read it at once, and a descriptor that the loop already polls cannot be opened a second time. The
 * received handle stays as an idle shell; closing the server closes the descriptor. False when this Node hides the handle.
 */
export function listenOnUnixSocket(server: Server, socket: Socket, listen: (fd: number) => void): boolean {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined
  if (!isPipeHandle(handle)) return false
  handle.readStop()
  listen(handle.fd)
  return server.listening
}

function isPipeHandle(value: unknown): value is PipeHandle {
  return (
    typeof value === 'object' &&
    value !== null &&
    'fd' in value &&
    typeof value.fd === 'number' &&
    'readStop' in value &&
    typeof value.readStop === 'function'
  )
}
