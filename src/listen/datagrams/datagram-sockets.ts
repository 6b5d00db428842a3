// UDP in the share modes where it can be shared: the sockets of one address, bound when a worker first is to read from each.
import type { AnySocket } from '../../wire/any-socket.ts'
import { type DatagramHandle, isDatagramHandle } from '../../wire/datagram-handle.ts'
import { addressKey, type UdpAddress, udpHost } from '../../wire/messages.ts'
import type { AddressSockets } from '../address-sockets.ts'
import { type Found, nothingFound, portOf } from '../found.ts'
import { assertDatagramsFree, bindDatagrams } from './bind-datagrams.ts'

/**
 * At most `count` sockets, each in a queue of its own that the kernel gives its share of the clients to, by the hash of both
 * addresses. Unlike a TCP socket, which waits for `listen`, one of UDP gets its share as soon as it is bound; so none is bound
 * before somebody is about to read from it.
 */
export function openDatagrams(
  address: UdpAddress,
  count: number,
  found: Found = nothingFound,
): AddressSockets {
  const sockets = new Map<number, DatagramHandle>()
  for (const [slot, socket] of found.sockets) if (isDatagramHandle(socket)) sockets.set(slot % count, socket)
  const known = [...sockets.values()].map(portOf).find((one) => one !== undefined) ?? found.port
  let port = known ?? address.port
  const isNew = sockets.size === 0 && !found.occupied
  if (isNew && port !== 0 && !address.reuseAddr) assertDatagramsFree({ ...address, port })
  const socketOf = (slot: number): AnySocket => {
    const queue = slot % count
    const bound = sockets.get(queue) ?? bindDatagrams({ ...address, port })
    sockets.set(queue, bound)
    if (port === 0) port = portOf(bound) ?? 0
    return bound
  }
  return {
    key: addressKey(address),
    get label() {
      return `udp ${udpHost(address)}:${port}`
    },
    get port() {
      return port === 0 ? undefined : port
    },
    queues: count,
    isBound: (slot) => sockets.has(slot % count),
    socketOf,
    close() {
      for (const socket of sockets.values()) socket.close()
      sockets.clear()
    },
  }
}
