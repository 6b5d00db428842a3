// A child's direct channel to another child: framed JSON over a unix socket that their parent made and no longer holds.
import type { Socket } from 'node:net'
import { type Clock, type Millis, systemClock } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { Channel } from '../wire/channel.ts'
import { maxFrameBytes } from '../wire/frame.ts'
import type { Handler } from './answers.ts'
import { Inbox } from './inbox.ts'
import { checkProgramMessage, closedChannel } from './program-message.ts'
import { discardHandle } from './sendable.ts'

const net = process.getBuiltinModule('node:net')

/** From so many unread messages on the socket is not read, so that the other side waits. */
const highWater = 256

/** How long a disposed channel waits for a peer that does not read. */
const closeWithin: Millis = 1000

export interface PeerOptions {
  /** Milliseconds until it rejects with `timed_out`. Default: 30,000. */
  readonly timeout?: Millis
  readonly signal?: AbortSignal
  /** For tests: what tells the time. */
  readonly clock?: Clock
}

/** One end of a direct channel. Messages are JSON, at most 1 MiB each. */
export class Peer<In = unknown, Out = unknown> implements AsyncDisposable {
  readonly name: string
  readonly #socket: Socket
  readonly #channel: Channel<{ readonly value: unknown }, { readonly value: unknown }>
  readonly #inbox: Inbox<In>
  readonly #closed = Promise.withResolvers<Error | undefined>()

  /** Use `peer(name)`. */
  constructor(name: string, socket: Socket) {
    this.name = name
    this.#socket = socket
    this.#inbox = new Inbox<In>(Number.POSITIVE_INFINITY, {
      drop: () => {},
      left: () => socket.resume(), // or its end would go unnoticed
      waiting: (count) => void (count >= highWater ? socket.pause() : socket.isPaused() && socket.resume()),
    })
    this.#channel = new Channel(socket, asPeerMessage, {
      // What the other side sends is as the two programs have agreed; only its frame can be checked here.
      message: ({ value }) => this.#inbox.push(value as In),
      close: (error) => {
        this.#inbox.end(error === undefined ? undefined : broken(name, error))
        this.#closed.resolve(error)
      },
    })
    // The other child may have gone, without a word, before this one asked for it; then no event is left to come.
    if (socket.closed) {
      this.#inbox.end()
      this.#closed.resolve(undefined)
    }
  }

  get isOpen(): boolean {
    return this.#channel.isOpen
  }

  /** Settles when the channel has ended, with the reason if it did not end in order. */
  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  /** Settles when there is room for more. Errors: `channel_closed`, `message_invalid`, `message_too_large`. */
  async send(message: Out): Promise<void> {
    checkProgramMessage(message)
    if (!this.isOpen) throw closedChannel(`'${this.name}' has ended or closed the channel`)
    try {
      this.#channel.send({ value: message })
    } catch (error) {
      const isLarge = error instanceof BroodError
      if (isLarge)
        throw new BroodError(
          'message_too_large',
          `${error.message}: peers take at most ${maxFrameBytes} bytes`,
        )
      throw new BroodError('message_invalid', `the message cannot be sent: ${messageOf(error)}`, {
        cause: error,
      })
    }
    if (this.#socket.writableNeedDrain) await this.#drained()
  }

  /** Ends when the other side closes or dies. Unread messages are not lost by that. */
  messages(): AsyncIterableIterator<In> & AsyncDisposable {
    return this.#inbox
  }

  /** An open channel keeps this process alive; not after this. */
  unref(): void {
    this.#socket.unref()
  }

  ref(): void {
    this.#socket.ref()
  }

  /** What was sent before still arrives. */
  close(): void {
    this.#channel.flush()
    this.#socket.end(() => this.#channel.close())
  }

  /** Closes; what the other side has not read within a second is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    const cancel = systemClock.at(systemClock.now() + closeWithin, () => this.#channel.close())
    await this.closed
    cancel()
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#socket.off('drain', settle).off('close', settle)
        if (this.isOpen) resolve()
        else reject(closedChannel(`'${this.name}' has ended or closed the channel`))
      }
      this.#socket.on('drain', settle).on('close', settle)
    })
  }
}

/** Introduced, and not asked for yet. */
const arrived = new Map<string, Socket>()
/** Asked for, and not introduced yet. */
const wanted = new Map<string, Set<(socket: Socket) => void>>()
let hasParent = false

/** Takes what the parent brings in `introduce`. */
export function meetPeers(answer: (bring: Handler<unknown, void>) => void): void {
  hasParent = true
  answer((name, { handle }) => {
    if (typeof name !== 'string' || !(handle instanceof net.Socket)) {
      discardHandle(handle)
      throw new BroodError(
        'handle_lost',
        'the connection did not arrive: the other child may have ended on the way',
      )
    }
    const [taker] = wanted.get(name) ?? []
    if (taker !== undefined) return taker(handle)
    handle.unref() // nobody may ever ask for it
    arrived.get(name)?.destroy()
    arrived.set(name, handle)
  })
}

/**
 * The direct channel to the child that the parent has introduced by that name, or will.
 * ```ts
 * const sorter = await peer<Sorted, Chunk>('sorter')
 * await sorter.send({ rows })
 * for await (const sorted of sorter.messages()) …
 * ```
 * Errors: `timed_out`, `aborted`.
 */
export async function peer<In = unknown, Out = unknown>(
  name: string,
  options: PeerOptions = {},
): Promise<Peer<In, Out>> {
  const { timeout = 30_000, signal, clock = systemClock } = options
  if (!hasParent)
    throw new BroodError('no_channel', 'this process has no parent to be introduced by: start it with fork')
  if (signal?.aborted)
    throw new BroodError('aborted', `waiting for '${name}' was aborted`, { cause: signal.reason })
  const early = arrived.get(name)
  arrived.delete(name)
  const socket = early ?? (await introduction(name, timeout, signal, clock))
  socket.ref()
  return new Peer<In, Out>(name, socket)
}

function introduction(
  name: string,
  timeout: Millis,
  signal: AbortSignal | undefined,
  clock: Clock,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const takers = wanted.get(name) ?? new Set()
    wanted.set(name, takers)
    const settle = (): void => {
      takers.delete(take)
      if (takers.size === 0) wanted.delete(name)
      cancel()
      signal?.removeEventListener('abort', aborted)
    }
    const take = (socket: Socket): void => {
      settle()
      resolve(socket)
    }
    const fail = (error: BroodError): void => {
      settle()
      reject(error)
    }
    const late = `nobody was introduced as '${name}' within ${timeout} ms: the parent does it with introduce()`
    const cancel = clock.at(clock.now() + timeout, () => fail(new BroodError('timed_out', late)))
    const aborted = (): void =>
      fail(new BroodError('aborted', `waiting for '${name}' was aborted`, { cause: signal?.reason }))
    signal?.addEventListener('abort', aborted, { once: true })
    takers.add(take)
  })
}

/** Undefined, which closes the channel, for what is no peer's message. */
function asPeerMessage(frame: unknown): { readonly value: unknown } | undefined {
  return typeof frame === 'object' && frame !== null && 'value' in frame ? { value: frame.value } : undefined
}

function broken(name: string, cause: Error): BroodError {
  return new BroodError('channel_closed', `the channel to '${name}' broke: ${cause.message}`, { cause })
}
