// Share mode `ports`: each slot has a port of its own; what clients speak to is a reverse proxy in front of them.
import { type AnySocket, closeSocket } from '../../wire/any-socket.ts'
import type { AddressSockets } from '../address-sockets.ts'
import { assertFree, bindTcp, hold } from '../bind.ts'
import { nothingFound, portOf } from '../found.ts'

/** Where workers listen, whatever address their program asks for. */
export interface WorkerPorts {
  readonly host: string
  /** The port of slot 0; each further slot has the next. Without it every slot has any free port, and keeps it. */
  readonly from?: number | undefined
}

/** Lets a supervisor bind another socket beside one that could not be passed on to it, and that its worker listens on. */
const reusePort = process.platform === 'linux'

/**
 * Binds `count` ports. The sockets stay open for the app's life, so a slot keeps its port over crashes and reloads, its queue
 * survives its worker, and a sibling can serve it meanwhile: whoever is in front need not know of any of this.
 */
export function bindPorts(
  key: string,
  { host, from }: WorkerPorts,
  count: number,
  found = nothingFound,
): AddressSockets {
  const sockets: AnySocket[] = []
  try {
    for (let slot = 0; slot < count; slot++) {
      const wanted = found.ports?.[slot] ?? (from === undefined ? 0 : from + slot)
      sockets.push(found.sockets.get(slot) ?? bindAnew(host, wanted, found.occupied))
    }
  } catch (error) {
    const given = [...found.sockets.values()]
    for (const socket of sockets) if (!given.includes(socket)) closeSocket(socket)
    throw error
  }
  const ports = sockets.map((socket) => portOf(socket) ?? 0)
  const labels = ports.map((port) => `${host}:${port}`)
  return {
    key,
    label: labels.join(' '),
    port: undefined,
    ports,
    labels,
    queues: count,
    isBound: () => true,
    socketOf(slot) {
      const socket = sockets[slot]
      if (socket === undefined) throw new RangeError(`slot ${slot} is beyond the ${count} ports of ${key}`)
      return socket
    },
    close() {
      for (const socket of sockets) closeSocket(socket)
    },
  }
}

function bindAnew(host: string, port: number, occupied: boolean): AnySocket {
  const target = { host, port, ipv6Only: false }
  if (port !== 0 && !occupied) assertFree(target)
  return hold(bindTcp(target, reusePort))
}
