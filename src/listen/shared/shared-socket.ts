// Share mode `shared`: one listening socket that all workers accept from; for unix sockets, and where the kernel does
// not spread SO_REUSEPORT.
import { rmSync } from 'node:fs'
import type { BoundSocket } from 'node:net'
import type { AddressSockets } from '../address-sockets.ts'
import { assertFree, bindPath, bindTcp, hold, type TcpTarget } from '../bind.ts'

export function bindShared(key: string, target: TcpTarget): AddressSockets {
  if (target.port !== 0) assertFree(target)
  const bound = bindTcp(target, false)
  const address = bound.address()
  const port = typeof address === 'string' ? undefined : address.port
  return shared(key, `${target.host ?? '*'}:${port}`, port, bound)
}

export function bindSharedPath(key: string, path: string): AddressSockets {
  const sockets = shared(key, path, undefined, bindPath(path))
  return {
    ...sockets,
    close() {
      sockets.close()
      rmSync(path, { force: true })
    },
  }
}

function shared(key: string, label: string, port: number | undefined, bound: BoundSocket): AddressSockets {
  const socket = hold(bound)
  return { key, label, port, queues: 1, socketOf: () => socket, close: () => socket.destroy() }
}
