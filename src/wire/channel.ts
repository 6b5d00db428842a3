// A framed two-way channel over a stream socket: typed messages out, checked messages in, closed on the first bad frame.
import type { Socket } from 'node:net'
import { BroodError } from '../kernel/errors.ts'
import { encodeFrame, FrameReader } from './frame.ts'

export interface ChannelEvents<In> {
  message(message: In): void
  /** Once, when the channel has ended; `error` tells why if it did not end in order. */
  close(error: Error | undefined): void
}

/** `check` turns what arrived into a message or returns undefined, which closes the channel with `bad_frame`. */
export class Channel<In, Out> {
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #check: (value: unknown) => In | undefined
  readonly #events: ChannelEvents<In>
  #corked = false
  #error: Error | undefined

  constructor(socket: Socket, check: (value: unknown) => In | undefined, events: ChannelEvents<In>) {
    this.#socket = socket
    this.#check = check
    this.#events = events
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => {
      this.#error ??= error
    })
    socket.once('close', () => this.#events.close(this.#error))
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  /** Queues a message; all messages of one tick leave in one write. Dropped when the channel has closed. */
  send(message: Out): void {
    if (!this.isOpen) return
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      process.nextTick(() => this.flush())
    }
    this.#socket.write(encodeFrame(message))
  }

  /** Hands what is queued to the kernel now; for a process about to die. */
  flush(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#socket.uncork()
  }

  close(error?: Error): void {
    this.#error ??= error
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    const frames = this.#reader.push(chunk)
    for (;;) {
      const message = this.#next(frames)
      // What the receiver throws is its own; only what cannot be read is the channel's.
      if (message === undefined) return
      this.#events.message(message)
      if (this.#socket.destroyed) return
    }
  }

  /** The next message, or undefined when there is none: the chunk is used up, or was bad and the channel has closed. */
  #next(frames: Iterator<unknown>): In | undefined {
    try {
      const { done, value } = frames.next()
      if (done) return undefined
      const message = this.#check(value)
      if (message !== undefined) return message
      throw new BroodError('bad_frame', `an unknown message: ${JSON.stringify(value).slice(0, 120)}`)
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
  }
}
