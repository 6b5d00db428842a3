// A UDP socket's handle without a JavaScript socket around it: bound, kept and passed on without anybody reading from it.
//
// Private to Node. A public `dgram.Socket` begins to read as soon as it is bound, and cannot be told to stop: a process that only
// holds it for others would swallow their datagrams, and one that drains would go on taking new ones. The handle has been the same
// since Node 0.12, and is what `node:cluster` passes around; `newDatagramHandle` fails clearly if that ever ends.
import type { Socket as DatagramSocket, SocketType } from 'node:dgram'
import { BroodError } from '../kernel/errors.ts'

/** Its methods return 0, or libuv's negative number of a system error. */
export interface DatagramHandle {
  readonly fd: number
  bind(address: string, port: number, flags: number): number
  bind6(address: string, port: number, flags: number): number
  /** Takes over a descriptor. */
  open(fd: number): number
  getsockname(out: { address?: string; port?: number }): number
  /** What has been read is delivered; what comes from now on stays in the kernel. */
  recvStop(): number
  recvStart(): number
  close(): void
}

/** libuv's flags of `uv_udp_bind`. */
export const bindFlags = { ipv6Only: 1, reuseAddr: 4, reusePort: 64 } as const

/** Neither bound nor open. */
export function newDatagramHandle(type: SocketType): DatagramHandle {
  // Loaded by those who need it only: most supervisors never do.
  const handle = datagramHandleOf(process.getBuiltinModule('node:dgram').createSocket(type))
  if (handle !== undefined) return handle
  throw new BroodError('internal', `brood does not know how Node ${process.versions.node} holds UDP sockets`)
}

function datagramHandleOf(socket: DatagramSocket): DatagramHandle | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find((one) => one.description === 'state symbol')
  const state: unknown = symbol === undefined ? undefined : Reflect.get(socket, symbol)
  if (typeof state !== 'object' || state === null || !('handle' in state)) return undefined
  return isDatagramHandle(state.handle) ? state.handle : undefined
}

export function isDatagramHandle(value: unknown): value is DatagramHandle {
  return (
    typeof value === 'object' &&
    value !== null &&
    'recvStop' in value &&
    typeof value.recvStop === 'function' &&
    'bind6' in value
  )
}
