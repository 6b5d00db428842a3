// The client's half of one exchange: what it sends, what it is told, and what becomes of its connection.
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../kernel/clock.ts'
import { breakOff } from '../break-off.ts'

/** A client may go on sending for so long, in milliseconds, after it was answered early; then its connection ends. */
const lingering = 30_000

/** An interim answer of the upstream. */
interface Information {
  readonly statusCode: number
  readonly headers: NodeJS.Dict<string | string[]>
}

export class Client {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly hasBody: boolean
  readonly #clock: Clock
  #continued = false
  #dropping = false

  constructor(request: IncomingMessage, response: ServerResponse, clock: Clock) {
    this.request = request
    this.response = response
    this.#clock = clock
    const { 'content-length': length, 'transfer-encoding': codings } = request.headers
    this.hasBody = codings !== undefined || (length !== undefined && length !== '0')
  }

  /** `gone`: its connection is closed, or it has its answer. */
  attend(gone: () => void): void {
    // Its connection broke: the response's `close` tells the same.
    this.request.on('error', () => {})
    this.response.on('error', () => {})
    this.response.once('close', gone)
  }

  /** It may send its body. */
  continue(): void {
    // Of an HTTP/1.0 client that has not asked it would be taken for the answer.
    if (this.request.httpVersionMinor === 0) return
    this.#continued = true
    this.response.writeContinue()
  }

  inform({ statusCode, headers }: Information): void {
    const { link } = headers
    if (statusCode !== 103 || link === undefined || this.request.httpVersionMinor === 0) return
    try {
      this.response.writeEarlyHints({ ...headers, link })
    } catch {
      // A form that Node does not know: hints can be left out.
    }
  }

  /** Before the head is written. One that waits for a word that never came may send its body now or not. */
  closeUnlessContinued(): void {
    if (this.request.headers.expect !== undefined && !this.#continued)
      this.response.setHeader('Connection', 'close')
  }

  /** The proxy's own answer; `out` is what has been sent upstream. */
  answer(status: number, text: string, out: ClientRequest | undefined): void {
    const { response } = this
    if (response.destroyed) return
    if (response.headersSent) return this.cut()
    const body = `${text}\n`
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) }
    this.closeUnlessContinued()
    response.writeHead(status, headers)
    response.end(body)
    this.dropRest(out)
  }

  /** The answer breaks off: so must the connection, or the client would take what it has for everything. */
  cut(): void {
    const { socket } = this.response
    if (socket === null) this.response.destroy()
    else breakOff(socket)
  }

  /** It is answered. What it still sends is not wanted any more; it is read, so that the client gets to read its answer. */
  dropRest(out: ClientRequest | undefined): void {
    const { request } = this
    if (this.#dropping || !this.hasBody || request.destroyed) return
    this.#dropping = true
    if (request.complete) return this.#finishBody(out)
    request.unpipe()
    request.resume()
    // The upstream waits for the rest of the body, and would take the next request on its connection for that.
    out?.destroy()
    const { socket } = request
    const cancel = this.#clock.at(this.#clock.now() + lingering, () => socket.destroy())
    // Once it is answered, Node no longer tells a request that its connection is gone.
    socket.once('close', cancel)
    request.once('end', () => {
      cancel()
      socket.off('close', cancel)
    })
  }

  /** All of it is here, and the upstream may go on reading for a while. */
  #finishBody(out: ClientRequest | undefined): void {
    if (out === undefined || out.writableFinished) return
    out.once(
      'close',
      this.#clock.at(this.#clock.now() + lingering, () => void out.destroy()),
    )
  }
}
