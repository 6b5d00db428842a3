// Whether anything has come in lately: told to the supervisor when that changes, at no cost for the single connection or request.
import type { Server } from 'node:net'
import { isHttpServer } from './idle-connections.ts'

/** After so many milliseconds without a new connection or request the worker counts as quiet. */
const quietAfter = 1000

/** Its listeners hear the first sign only, and are set again once in a while: all others pass without them. */
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
    for (const server of this.#servers)
      for (const sign of signsOf(server)) server.prependListener(sign, this.#notice)
  }

  #unlisten(): void {
    this.#listens = false
    for (const server of this.#servers)
      for (const sign of signsOf(server)) server.removeListener(sign, this.#notice)
  }
}

/**
 * Requests too: where clients, or a proxy, keep their connections there may be no new ones for long. Not those of HTTP/2, which
 * would make Node prepare each stream for a listener of requests.
 */
function signsOf(server: Server): readonly string[] {
  return isHttpServer(server) ? ['connection', 'request'] : ['connection']
}
