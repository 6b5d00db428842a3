// Which connections of an HTTP server are idle, asked of the server itself so that requests pay nothing for it.
import type { Server as HttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'

const net = process.getBuiltinModule('node:net')

/** A server of HTTP/1 alone, in clear text or not. A secure one of HTTP/2 closes idle connections too, but not all. */
export function isHttpServer(server: Server): server is HttpServer {
  return 'closeAllConnections' in server
}

function isTlsServer(server: Server): boolean {
  return 'setSecureContext' in server
}

/** HTTP/1 in clear text, where requests can be told apart on the way. */
export function speaksHttp(server: Server): boolean {
  return isHttpServer(server) && !isTlsServer(server)
}

/** Every HTTP connection that was not upgraded. */
function allConnections(server: HttpServer): Socket[] {
  return collect(() => server.closeAllConnections())
}

/**
 * Connections on which no request has begun, so that nothing is lost when their process changes. The parser counts a
 * fresh connection as busy until its first request, hence the second question: nothing was read from it yet.
 */
export function idleConnections(server: HttpServer): Socket[] {
  const idle = new Set(collect(() => server.closeIdleConnections()))
  return allConnections(server).filter(
    (socket) => (idle.has(socket) || socket.bytesRead === 0) && isSettled(socket),
  )
}

/** Whether a connection that was idle when so many bytes had been read from it still is. */
export function isStillIdle(socket: Socket, bytesRead: number): boolean {
  return socket.bytesRead === bytesRead && isSettled(socket)
}

/** No answer is being written: `finished` only says that the program has ended it, not that it has left. */
function isSettled(socket: Socket): boolean {
  return !socket.destroyed && socket.writableLength === 0 && !hasAnswer(socket)
}

/** Node keeps the answer in progress in `_httpMessage`; where it does not, `writableLength` alone decides. */
function hasAnswer(socket: Socket): boolean {
  return '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined
}

/**
 * Node tells which connections are open or idle only by destroying them. This catches them instead: `destroy` is
 * exchanged for the length of one synchronous call, in which Node does nothing but call it.
 */
function collect(destroyThem: () => void): Socket[] {
  const found: Socket[] = []
  const prototype = net.Socket.prototype
  const own = Object.getOwnPropertyDescriptor(prototype, 'destroy')
  prototype.destroy = function (this: Socket) {
    found.push(this)
    return this
  }
  try {
    destroyThem()
  } finally {
    if (own === undefined) Reflect.deleteProperty(prototype, 'destroy')
    else Object.defineProperty(prototype, 'destroy', own)
  }
  return found
}
