// A worker's way out: stop accepting, finish what was accepted, hand idle connections on, run the program's hooks.
import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { IdleConnections } from '../wire/messages.ts'
import type { DrainHook, Draining } from './api.ts'
import type { Datagrams } from './datagrams.ts'
import type { Listening } from './listening.ts'

/** How often connections that have become idle are looked for, in milliseconds; only while draining. */
const scanEvery = 20

/** A connection of an HTTP server, as Node keeps it. */
type Held = Socket & { server: HttpServer | null }

/** How much of its time a drain waits for busy HTTP/2 sessions to fall silent. */
const patience = 0.4

export interface DrainOptions {
  /** What becomes of idle connections. */
  idle: IdleConnections
  /** Milliseconds until the process is ended. */
  within: number
  /** Sends a connection away; false when that is not possible. */
  sendConnection(key: string, id: number, socket: Socket): boolean
}

export class Drain {
  readonly #listening: Listening
  readonly #datagrams: Datagrams
  readonly #options: DrainOptions
  /** Connections on their way to the supervisor; paused, so that no byte is read here any more. */
  readonly #leaving = new Map<number, { socket: Socket; server: Held['server'] }>()
  readonly #began = performance.now()
  #ids = 0
  #canHandOn: boolean

  constructor(listening: Listening, datagrams: Datagrams, options: DrainOptions) {
    this.#listening = listening
    this.#datagrams = datagrams
    this.#options = options
    this.#canHandOn = options.idle === 'hand-on'
  }

  /** Settles when nothing that the worker accepted is unfinished. */
  async run(hooks: Iterable<DrainHook>): Promise<void> {
    this.#listening.finish()
    const served = this.#listening.served
    const gone = served.map((one) => one.drain((server) => this.#listening.closeForDrain(server)))
    gone.push(this.#datagrams.drain())
    const timer = setInterval(() => this.#scan(), scanEvery)
    this.#scan()
    try {
      await Promise.all([...gone, runHooks(hooks, { reason: 'drain', within: this.#options.within })])
    } finally {
      clearInterval(timer)
    }
  }

  /** The supervisor has it: what is left here is only the shell of the connection. */
  taken(id: number): void {
    this.#leaving.get(id)?.socket.destroy()
    this.#leaving.delete(id)
  }

  /** Nobody is there to hand on to any more; what has not left finishes here. */
  stay(): void {
    this.#canHandOn = false
    for (const { socket, server } of this.#leaving.values()) {
      Object.assign(socket, { server })
      socket.setTimeout(server?.keepAliveTimeout ?? 0)
      socket.resume()
    }
    this.#leaving.clear()
  }

  #scan(): void {
    const leaving = new Set([...this.#leaving.values()].map(({ socket }) => socket))
    const late = performance.now() - this.#began > this.#options.within * patience
    for (const served of this.#listening.served) {
      served.closeSessions(late)
      if (this.#options.idle === 'close') {
        served.closeIdle()
      } else if (this.#canHandOn && served.canHandOn) {
        for (const socket of served.idle()) if (!leaving.has(socket)) this.#handOn(served.key, socket)
      }
      // Idle connections that cannot move (TLS, or nobody to take them) end by their keep-alive timeout: closing one could
      // meet a request.
    }
  }

  #handOn(key: string, socket: Socket): void {
    const { server } = socket as Held
    // Stops the reading of an HTTP connection at once: a request that arrives now waits in the kernel for its next reader.
    socket.pause()
    // With `server` set, Node would have the supervisor keep books of this connection for the server's `close`; without
    // it, a time-out that comes while the connection waits to leave would fail.
    socket.setTimeout(0)
    Object.assign(socket, { server: null })
    const id = this.#ids++
    this.#leaving.set(id, { socket, server })
    if (!this.#options.sendConnection(key, id, socket)) this.stay()
  }
}

async function runHooks(hooks: Iterable<DrainHook>, draining: Draining): Promise<void> {
  // A hook that fails must not keep the worker from leaving; its error is the program's, so it is shown as such.
  await Promise.all(
    [...hooks].map(async (hook) => {
      try {
        await hook(draining)
      } catch (error) {
        console.error(error)
      }
    }),
  )
}
