// Share mode `slots`: one SO_REUSEPORT socket per slot; the kernel spreads new connections over those in LISTEN state.
import { type AnySocket, closeSocket } from '../../wire/any-socket.ts'
import type { AddressSockets } from '../address-sockets.ts'
import { assertFree, bindTcp, hold, type TcpTarget } from '../bind.ts'
import { nothingFound, portOf } from '../found.ts'

/**
 * Binds `count` sockets to one address. They stay open for the app's life: a socket outlives its worker, so its accept
 * queue survives a crash or a reload, and closing a `reusePort` listener would reset what is queued on it. A bound
 * socket gets no traffic until a worker listens on it, so unused slots cost a file descriptor and nothing else.
 */
export function bindSlots(
  key: string,
  target: TcpTarget,
  count: number,
  found = nothingFound,
): AddressSockets {
  const given = [...found.sockets.values()]
  const known = given.map(portOf).find((one) => one !== undefined) ?? found.port
  if (target.port !== 0 && given.length === 0 && !found.occupied) assertFree(target)
  const sockets: AnySocket[] = []
  let port = known ?? target.port
  try {
    for (let slot = 0; slot < count; slot++) {
      const socket = found.sockets.get(slot) ?? hold(bindTcp({ ...target, port }, true))
      sockets.push(socket)
      if (port === 0) port = portOf(socket) ?? 0
    }
  } catch (error) {
    for (const socket of sockets) if (!given.includes(socket)) closeSocket(socket)
    throw error
  }
  return {
    key,
    label: `${target.host ?? '*'}:${port}`,
    port,
    queues: sockets.length,
    isBound: () => true,
    socketOf(slot) {
      const socket = sockets[slot]
      if (socket === undefined) throw new RangeError(`slot ${slot} is beyond the ${count} sockets of ${key}`)
      return socket
    },
    close() {
      for (const socket of sockets) closeSocket(socket)
    },
  }
}
