// Binding an address: the exclusive check, and every way the system says no turned into an error that says what to do.
import { BoundSocket, type BoundSocketOptions, Socket } from 'node:net'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'

export interface TcpTarget {
  host: string | undefined
  port: number
  ipv6Only: boolean
}

/**
 * Binds without `reusePort` and closes again. With `reusePort` the kernel would let us share the port with a stranger
 * of the same user silently; an exclusive bind fails against any listener, IPv4 and IPv6 wildcards included.
 */
export function assertFree(target: TcpTarget): void {
  bindTcp(target, false).close()
}

/** A bound TCP socket nobody listens on yet; without a host it is dual-stack where IPv6 exists, as Node does it. */
export function bindTcp(target: TcpTarget, reusePort: boolean): BoundSocket {
  const base: BoundSocketOptions = { port: target.port, reusePort, ipv6Only: target.ipv6Only }
  if (target.host !== undefined) return bind({ ...base, host: target.host }, target)
  try {
    return new BoundSocket({ ...base, host: '::' })
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE' || systemCode(error) === 'EACCES')
      throw explain(error, portText(target))
    return bind({ ...base, host: '0.0.0.0', ipv6Only: false }, target)
  }
}

export function bindPath(path: string): BoundSocket {
  // Node's own sign that it knows `path`; an older one would ignore it and bind a TCP port instead.
  if (!('isPipe' in BoundSocket.prototype)) {
    throw new BroodError(
      'address_invalid',
      `Node ${process.versions.node} cannot share a unix socket (${path}): use Node 26.10 or a port`,
    )
  }
  try {
    // Node's types do not know `path` yet; @types/node lags behind the API.
    return new BoundSocket({ path } as BoundSocketOptions)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EADDRINUSE') {
      throw new BroodError(
        'port_in_use',
        `the unix socket ${path} exists: end its owner, or remove a stale file`,
        {
          cause: error,
        },
      )
    }
    throw new BroodError('address_invalid', `cannot bind the unix socket ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Takes a bound socket over for good, in the form that can be passed to child processes. */
export function hold(bound: BoundSocket): Socket {
  return new Socket({ handle: bound, readable: false, writable: false })
}

function bind(options: BoundSocketOptions, target: TcpTarget): BoundSocket {
  try {
    return new BoundSocket(options)
  } catch (error) {
    throw explain(error, portText(target))
  }
}

function portText({ host, port }: TcpTarget): string {
  return host === undefined ? `port ${port}` : `port ${port} of ${host}`
}

/** `where`: `port 3000`, or with its host. */
export function explain(error: unknown, where: string): BroodError {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return portInUse(where, 'another program', error)
    case 'EACCES':
    case 'EPERM':
      return new BroodError(
        'port_denied',
        `no right to bind ${where}: choose a port of 1024 or more, or give node CAP_NET_BIND_SERVICE (setcap)`,
        { cause: error },
      )
    default:
      return new BroodError('address_invalid', `cannot bind ${where}: ${messageOf(error)}`, { cause: error })
  }
}

/** `where`: `port 3000`, or with its host; `by`: who has it. */
export function portInUse(where: string, by: string, cause: unknown): BroodError {
  const message = `${where} is in use by ${by}: end it, or choose another port`
  return new BroodError('port_in_use', message, { cause })
}
