// The sending half of a conversation: what may leave, how large it may be, and what becomes of it.
import { Socket } from 'node:net'
import type { BroodError } from '../kernel/errors.ts'
import { checkMessageSize } from './message-size.ts'
import { sendFailure } from './program-message.ts'
import { checkHandle, type Handle } from './sendable.ts'

/** `written` is called when the kernel has the message; Node has less to do without. A handle stays open here. */
export type SendOverLine = (
  message: unknown,
  handle: Handle | undefined,
  written: Written | undefined,
) => void

export type Written = (error: Error | null) => void

export interface SendOptions {
  /** Sent along; the receiver gets one of its own on the same socket. */
  readonly handle?: Handle
  /**
   * Keep a sent connection open here as well. Default: false. Servers and UDP sockets always stay open here; so does a
   * connection that could not be sent.
   */
  readonly keepOpen?: boolean
}

const noOptions: SendOptions = {}

export class Outgoing {
  readonly #send: SendOverLine
  readonly #maxMessage: number
  readonly #serialization: 'json' | 'advanced'
  #closed: BroodError | undefined
  /** Of what is on its way out; Node forgets some callbacks when the channel closes. */
  readonly #unwritten = new Set<(error: BroodError) => void>()

  constructor(send: SendOverLine, maxMessage: number, serialization: 'json' | 'advanced') {
    this.#send = send
    this.#maxMessage = maxMessage
    this.#serialization = serialization
  }

  get isOpen(): boolean {
    return this.#closed === undefined
  }

  /** Settles when the message is written. */
  send(message: unknown, options: SendOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const written = (error: unknown): void => {
        this.#unwritten.delete(reject)
        if (error === null) resolve()
        else reject(sendFailure(error))
      }
      this.post(message, message, options, written)
      this.#unwritten.add(reject)
    })
  }

  /**
   * Sends `message`, of which `content` may be large; throws what can be known before. Without `written`, what goes wrong
   * later shows in the closing of the channel.
   */
  post(
    message: unknown,
    content: unknown,
    { handle, keepOpen = false }: SendOptions = noOptions,
    written?: Written,
  ): void {
    if (this.#closed !== undefined) throw this.#closed
    if (handle !== undefined) checkHandle(handle)
    try {
      checkMessageSize(content, this.#maxMessage, this.#serialization)
      this.#send(message, handle, handle instanceof Socket && !keepOpen ? closing(handle, written) : written)
    } catch (error) {
      throw sendFailure(error)
    }
  }

  close(error: BroodError): void {
    this.#closed ??= error
    for (const reject of this.#unwritten) reject(error)
    this.#unwritten.clear()
  }
}

/**
 * Node's own closing of a sent socket waits for an answer, and forgets the socket when the receiver dies before: the client
 * would wait forever. The kernel keeps a socket open that is on its way, so it can be closed here at once.
 */
function closing(socket: Socket, written: Written | undefined): Written {
  return (error) => {
    if (error === null) socket.destroy()
    written?.(error)
  }
}
