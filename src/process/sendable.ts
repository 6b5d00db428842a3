// Which handles can be sent to another process, and what to send in place of one that cannot.
import type { Socket as DatagramSocket } from 'node:dgram'
import { Server, Socket } from 'node:net'
import { BroodError } from '../kernel/errors.ts'

/** What Node can pass: a listening server, a connection, a UDP socket. The receiver gets one of its own on the same socket. */
export type Handle = Server | Socket | DatagramSocket

/**
 * Throws `handle_invalid` for what would not arrive as what it is, `handle_lost` for what is closed. Node itself sends a
 * closed handle's message without the handle, and of an HTTP or TLS server the bare TCP server, both without a word.
 */
export function checkHandle(handle: unknown): asserts handle is Handle {
  if (typeof handle !== 'object' || handle === null)
    throw invalid(typeof handle, 'a net.Server, net.Socket or dgram.Socket')
  if ('headersTimeout' in handle || 'setSecureContext' in handle) throw serverInvalid(handle)
  if ('encrypted' in handle) {
    throw invalid(
      'tls.TLSSocket',
      'the net.Socket before the TLS handshake; the keys of a session stay in this process',
    )
  }
  if (handle instanceof Server) {
    if (!handle.listening) throw lost('net.Server', 'it does not listen: send it after its event "listening"')
  } else if (handle instanceof Socket) {
    if (handle.destroyed) throw lost('net.Socket', 'it is closed')
    if (handle.connecting)
      throw lost('net.Socket', 'it is not connected yet: send it after its event "connect"')
  } else if (isDatagramSocket(handle)) {
    if (!isBound(handle))
      throw lost('dgram.Socket', 'it is closed or not bound: send it after its event "listening"')
  } else {
    throw invalid(handle.constructor?.name ?? 'object', 'a net.Server, net.Socket or dgram.Socket')
  }
}

/** Closes what arrived for nobody. */
export function discardHandle(handle: unknown): void {
  if (handle instanceof Socket) handle.destroy()
  else if (handle instanceof Server) handle.close()
  else if (typeof handle === 'object' && handle !== null && isDatagramSocket(handle)) handle.close()
}

function serverInvalid(server: object): BroodError {
  const kind = 'setSecureContext' in server ? 'tls.Server or https.Server' : 'http.Server'
  return invalid(
    kind,
    'a net.Server: `const listener = net.createServer().listen(port)`, here `server.listen(listener)` to serve as well, ' +
      'then send `listener`; in the child `http.createServer(…).listen(handle)`',
  )
}

/** By its shape, since loading node:dgram costs time in every child. */
function isDatagramSocket(handle: object): handle is DatagramSocket {
  return 'addMembership' in handle && 'address' in handle
}

function isBound(socket: DatagramSocket): boolean {
  try {
    socket.address()
    return true
  } catch {
    return false
  }
}

function invalid(what: string, instead: string): BroodError {
  return new BroodError(
    'handle_invalid',
    `a handle of type ${what} cannot be sent to another process: send ${instead}`,
  )
}

function lost(what: string, why: string): BroodError {
  return new BroodError('handle_lost', `the ${what} cannot be sent: ${why}`)
}
