// Share mode `shared`: one listening socket that all workers accept from; for unix sockets, and where the kernel does
// not spread SO_REUSEPORT.
import { rmSync } from 'node:fs'
import type { AnySocket } from '../../wire/any-socket.ts'
import { closeSocket } from '../../wire/any-socket.ts'
import type { AddressSockets } from '../address-sockets.ts'
import { assertFree, bindPath, bindTcp, hold, type TcpTarget } from '../bind.ts'
import { nothingFound, portOf } from '../found.ts'

/**
 * Bound with `SO_REUSEPORT` where the kernel spreads by it: when a supervisor is killed, and what it held could not be passed
 * on, another socket can be bound beside the one that its workers still listen on.
 */
const reusePort = process.platform === 'linux'

export function bindShared(key: string, target: TcpTarget, found = nothingFound): AddressSockets {
  const wanted = { ...target, port: target.port === 0 ? (found.port ?? 0) : target.port }
  const socket = found.sockets.get(0) ?? bindAnew(wanted, found.occupied)
  const port = portOf(socket)
  return shared(key, `${target.host ?? '*'}:${port}`, port, socket)
}

function bindAnew(target: TcpTarget, occupied: boolean): AnySocket {
  if (target.port !== 0 && !occupied) assertFree(target)
  return hold(bindTcp(target, reusePort))
}

export function bindSharedPath(key: string, path: string, found = nothingFound): AddressSockets {
  const socket = found.sockets.get(0) ?? hold(bindPath(path))
  const sockets = shared(key, path, undefined, socket)
  return {
    ...sockets,
    close() {
      sockets.close()
      // One of Linux' abstract names is in no folder.
      if (!path.startsWith('\0')) rmSync(path, { force: true })
    },
  }
}

function shared(key: string, label: string, port: number | undefined, socket: AnySocket): AddressSockets {
  return {
    key,
    label,
    port,
    queues: 1,
    isBound: () => true,
    socketOf: () => socket,
    close: () => closeSocket(socket),
  }
}
