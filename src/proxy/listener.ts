// A listening server of the proxy, of either mode: opened once, told of changes, drained at its end.
import type { Server } from 'node:net'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { portInUse } from '../listen/bind.ts'
import { type ListenAt, listenText, type Route } from './route.ts'

export interface Listener {
  readonly server: Server
  /** Of the same address and mode. */
  update(route: Route): void
  /** Nobody new is let in; settles when the last connection is gone. */
  drain(): Promise<void>
  /** Breaks off what is left. */
  cut(): void
}

export function open(server: Server, listen: ListenAt): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (error: Error): void => reject(explain(error, listen))
  server.once('error', failed)
  server.listen({ ...listen }, () => {
    server.off('error', failed)
    resolve()
  })
  return promise
}

function explain(error: Error, listen: ListenAt): BroodError {
  const where = listenText(listen)
  const cause = { cause: error }
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return portInUse(where, 'another program', error)
    case 'EACCES':
    case 'EPERM':
      return new BroodError(
        'port_denied',
        `no right to listen on ${where}: choose a port of 1024 or more`,
        cause,
      )
    default:
      return new BroodError('address_invalid', `cannot listen on ${where}: ${messageOf(error)}`, cause)
  }
}
