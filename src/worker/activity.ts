// Whether connections have come in lately: told to the supervisor when that changes, at no cost for the single connection.
import type { Server } from 'node:net'

/** After so many milliseconds without a new connection the worker counts as quiet. */
const quietAfter = 1000

/** Its listeners hear the first connection only, and are set again once in a while: all others pass without them. */
export class Activity {
  readonly #tell: (activity: 'busy' | 'quiet') => void
  readonly #servers = new Set<Server>()
  #listens = false
  #timer: NodeJS.Timeout | undefined
  readonly #notice = (): void => {
    this.#unlisten()
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#look(), quietAfter).unref()
    this.#tell('busy')
  }

  /** `tell` hands its word to the kernel at once: what has just come in may block this process. */
  constructor(tell: (activity: 'busy' | 'quiet') => void) {
    this.#tell = tell
  }

  watch(server: Server): void {
    this.#unlisten()
    this.#servers.add(server)
    server.once('close', () => {
      this.#servers.delete(server)
    })
    this.#listen()
  }

  /** Tells another supervisor. */
  repeat(): void {
    if (this.#timer !== undefined) this.#tell('busy')
  }

  #look(): void {
    if (!this.#listens) return this.#listen()
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#tell('quiet')
  }

  #listen(): void {
    this.#listens = true
    for (const server of this.#servers) server.prependListener('connection', this.#notice)
  }

  #unlisten(): void {
    this.#listens = false
    for (const server of this.#servers) server.removeListener('connection', this.#notice)
  }
}
