// Which socket of the kernel a descriptor is: two processes that hold copies of one know it by the same number.
import { fstatSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { AnySocket } from './any-socket.ts'
import { isDatagramHandle } from './datagram-handle.ts'

/** Undefined where it cannot be known: the descriptor of a socket that came over IPC is Node's own business. */
export function inodeOf(socket: number | AnySocket): number | undefined {
  const fd = typeof socket === 'number' ? socket : descriptorOf(socket)
  try {
    return fd === undefined ? undefined : fstatSync(fd).ino
  } catch {
    return undefined // closed meanwhile
  }
}

function descriptorOf(socket: AnySocket): number | undefined {
  if (isDatagramHandle(socket)) return socket.fd < 0 ? undefined : socket.fd
  return descriptorOfStream(socket)
}

function descriptorOfStream(socket: Socket): number | undefined {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}
