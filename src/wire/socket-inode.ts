// Which socket of the kernel a descriptor is: two processes that hold copies of one know it by the same number.
import { fstatSync } from 'node:fs'
import type { Socket } from 'node:net'

/** Undefined where it cannot be known: the descriptor of a socket that came over IPC is Node's own business. */
export function inodeOf(socket: number | Socket): number | undefined {
  const fd = typeof socket === 'number' ? socket : descriptorOf(socket)
  try {
    return fd === undefined ? undefined : fstatSync(fd).ino
  } catch {
    return undefined // closed meanwhile
  }
}

function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}
