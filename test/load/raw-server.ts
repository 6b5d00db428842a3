/** A server that answers each request with whatever bytes, or whatever end, a test wants to see the load client judge. */
import { once } from 'node:events'
import net from 'node:net'

/** `nth` is the number of this request on its connection, from 1. */
export type Answering = (socket: net.Socket, nth: number) => void

export class RawServer implements AsyncDisposable {
  readonly port: number
  readonly #server: net.Server
  readonly #sockets: Set<net.Socket>

  static async listen(answering: Answering): Promise<RawServer> {
    const sockets = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      // Tests break connections on purpose.
      socket.on('error', () => {})
      let requests = 0
      let unread = ''
      socket.setEncoding('latin1').on('data', (text: string) => {
        unread += text
        while (unread.includes('\r\n\r\n')) {
          unread = unread.slice(unread.indexOf('\r\n\r\n') + 4)
          answering(socket, ++requests)
        }
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RawServer(server, sockets)
  }

  private constructor(server: net.Server, sockets: Set<net.Socket>) {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    this.port = address.port
    this.#server = server
    this.#sockets = sockets
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** A right answer to `GET /`. */
export function goodAnswer(headers = ''): string {
  return `HTTP/1.1 200 OK\r\nx-pid: 42\r\ncontent-length: 2\r\n${headers}\r\nok`
}
