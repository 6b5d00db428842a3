// Share mode `slots`: one SO_REUSEPORT socket per slot; the kernel spreads new connections over those in LISTEN state.
import type { Socket } from 'node:net'
import type { AddressSockets } from '../address-sockets.ts'
import { assertFree, bindTcp, hold, type TcpTarget } from '../bind.ts'

/**
 * Binds `count` sockets to one address. They stay open for the app's life: a socket outlives its worker, so its accept
 * queue survives a crash or a reload, and closing a `reusePort` listener would reset what is queued on it. A bound
 * socket gets no traffic until a worker listens on it, so unused slots cost a file descriptor and nothing else.
 */
export function bindSlots(key: string, target: TcpTarget, count: number): AddressSockets {
  if (target.port !== 0) assertFree(target)
  const first = bindTcp(target, true)
  const port = portOf(first.address())
  const sockets: Socket[] = [hold(first)]
  try {
    while (sockets.length < count) sockets.push(hold(bindTcp({ ...target, port }, true)))
  } catch (error) {
    for (const socket of sockets) socket.destroy()
    throw error
  }
  return {
    key,
    label: `${target.host ?? '*'}:${port}`,
    port,
    queues: count,
    socketOf(slot) {
      const socket = sockets[slot]
      if (socket === undefined) throw new RangeError(`slot ${slot} is beyond the ${count} sockets of ${key}`)
      return socket
    },
    close() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function portOf(address: string | { port: number }): number {
  if (typeof address === 'string') throw new TypeError(`a TCP socket is bound to the path ${address}`)
  return address.port
}
