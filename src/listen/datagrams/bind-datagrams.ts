// Binding a UDP address: the exclusive check, and the socket that can be shared.
import { getSystemErrorName } from 'node:util'
import { bindFlags, type DatagramHandle, newDatagramHandle } from '../../wire/datagram-handle.ts'
import type { UdpAddress } from '../../wire/messages.ts'
import { explain } from '../bind.ts'

/** Elsewhere the system refuses it, or gives all datagrams to the last that was bound. */
const spreads = process.platform === 'linux'

/** Binds alone, and closes again: `SO_REUSEPORT` would share the port with a stranger of the same user silently. */
export function assertDatagramsFree(address: UdpAddress): void {
  bind(address, 0).close()
}

/** Nobody reads from it, and yet it gets datagrams from now on. */
export function bindDatagrams(address: UdpAddress): DatagramHandle {
  const reuseAddr = address.reuseAddr ? bindFlags.reuseAddr : 0
  return bind(address, reuseAddr | (spreads ? bindFlags.reusePort : 0))
}

function bind(address: UdpAddress, flags: number): DatagramHandle {
  const { host, port, ipv6Only } = address
  const isIpv6 = host.includes(':')
  const handle = newDatagramHandle(isIpv6 ? 'udp6' : 'udp4')
  const errno = isIpv6
    ? handle.bind6(host, port, flags | (ipv6Only ? bindFlags.ipv6Only : 0))
    : handle.bind(host, port, flags)
  if (errno === 0) return handle
  handle.close()
  const code = getSystemErrorName(errno)
  const cause = Object.assign(new Error(`bind ${code}`), { code })
  const isAny = host === '0.0.0.0' || host === '::'
  throw explain(cause, isAny ? `UDP port ${port}` : `UDP port ${port} of ${host}`)
}
