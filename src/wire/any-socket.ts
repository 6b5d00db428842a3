// A socket that is held and passed on, of whatever kind: a stream's as Node wraps it, UDP's as the bare handle.
import type { Socket } from 'node:net'
import { type DatagramHandle, isDatagramHandle, newDatagramHandle } from './datagram-handle.ts'
import { isUdpKey } from './messages.ts'

export type AnySocket = Socket | DatagramHandle

/** A descriptor that this process was started with, as the socket of that address; nobody reads from it. */
export function adoptDescriptor(key: string, fd: number): AnySocket {
  if (isUdpKey(key)) return openDatagram(key, fd)
  const net = process.getBuiltinModule('node:net')
  return new net.Socket({ fd, readable: false, writable: false })
}

/** Takes a descriptor of a UDP address over. */
export function openDatagram(key: string, fd: number): DatagramHandle {
  const handle = newDatagramHandle(udpTypeOf(key))
  const errno = handle.open(fd)
  if (errno === 0) return handle
  handle.close()
  throw new TypeError(`descriptor ${fd} is no UDP socket`)
}

function udpTypeOf(key: string): 'udp4' | 'udp6' {
  return key.includes('[') ? 'udp6' : 'udp4'
}

/** As what a child gets it at its start; Node inherits UDP sockets by their descriptor only. */
export function stdioOf(socket: AnySocket | number): Socket | number {
  return isDatagramHandle(socket) ? socket.fd : socket
}

export function closeSocket(socket: AnySocket): void {
  if (isDatagramHandle(socket)) socket.close()
  else socket.destroy()
}
