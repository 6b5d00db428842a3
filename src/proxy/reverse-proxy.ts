// The reverse proxy: keeps a listener for each route, and changes them without dropping anything.
import type { AddressInfo } from 'node:net'
import { systemClock } from '../kernel/clock.ts'
import { HttpListener } from './http/http-listener.ts'
import { type Listener, open } from './listener.ts'
import { assertRoutes, isAnyPort, listenKey, type Route } from './route.ts'
import type { Surroundings } from './surroundings.ts'
import { TcpListener } from './tcp/tcp-listener.ts'

interface Opened {
  readonly route: Route
  readonly listener: Listener
}

/** Where a route listens, with the port it got if it asked for any. */
interface Listening {
  readonly route: Route
  readonly address: AddressInfo | string
}

/**
 * Forwards what comes in on the routes it was given last.
 * ```ts
 * await using proxy = new ReverseProxy()
 * await proxy.update([{ listen: { port: 8080 }, mode: 'http', algorithm: 'round-robin', upstreams }])
 * ```
 */
export class ReverseProxy {
  readonly #surroundings: Surroundings
  readonly #opened = new Map<string, Opened>()
  /** Listeners that let nobody in any more, with what they have left. */
  readonly #draining = new Map<Listener, Promise<void>>()
  /** Updates happen one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(surroundings: Partial<Surroundings> = {}) {
    const warn = (line: string): void => void process.stderr.write(`brood proxy: ${line}\n`)
    this.#surroundings = { clock: systemClock, warn, ...surroundings }
  }

  get listening(): Listening[] {
    return [...this.#opened.values()].flatMap(({ route, listener }) => {
      const address = listener.server.address()
      return address === null ? [] : [{ route, address }]
    })
  }

  /**
   * From now on these routes count. Settles when all of them listen. If one cannot, or something in them is wrong, it rejects with a
   * `BroodError`, and everything is as before. Requests and connections that are under way go on with the upstream they have. A route is known by what
   * it listens on: one whose address is no longer there lets nobody in and finishes what it has; a change of mode closes and opens.
   */
  update(routes: readonly Route[]): Promise<void> {
    const updated = this.#last.then(() => this.#update(routes))
    this.#last = updated.catch(() => {})
    return updated
  }

  async #update(routes: readonly Route[]): Promise<void> {
    if (this.#closing !== undefined) return
    assertRoutes(routes)
    const wanted = new Map(routes.map((route, index) => [keyOf(route, index), route]))
    const opened = new Map<string, Opened>()
    try {
      for (const [key, route] of wanted) {
        if (this.#opened.has(key)) continue
        // The same address in the other mode: it has to be given up first.
        const other = this.#opened.get(otherMode(key))
        if (other !== undefined) this.#retire(otherMode(key), other)
        opened.set(key, await this.#open(route))
      }
    } catch (error) {
      await Promise.all([...opened.values()].map(({ listener }) => listener.drain()))
      throw error
    }
    for (const [key, { listener, route }] of this.#opened) {
      const next = wanted.get(key)
      if (next === undefined) this.#retire(key, { listener, route })
      else {
        listener.update(next)
        this.#opened.set(key, { listener, route: next })
      }
    }
    for (const [key, one] of opened) this.#opened.set(key, one)
  }

  /**
   * Lets nobody in any more and settles when everything under way has finished; what has not after `within` milliseconds is broken off.
   */
  close(within: number = Number.POSITIVE_INFINITY): Promise<void> {
    this.#closing ??= this.#last.then(() => this.#close(within))
    return this.#closing
  }

  async #close(within: number): Promise<void> {
    for (const [key, opened] of this.#opened) this.#retire(key, opened)
    const { clock } = this.#surroundings
    const cancel = Number.isFinite(within)
      ? clock.at(clock.now() + within, () => {
          for (const listener of this.#draining.keys()) listener.cut()
        })
      : () => {}
    await Promise.all(this.#draining.values())
    cancel()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(route: Route): Promise<Opened> {
    const listener =
      route.mode === 'http'
        ? new HttpListener(route, this.#surroundings)
        : new TcpListener(route, this.#surroundings)
    await open(listener.server, route.listen)
    return { route, listener }
  }

  #retire(key: string, { listener }: Opened): void {
    this.#opened.delete(key)
    const drained = listener.drain().then(() => void this.#draining.delete(listener))
    this.#draining.set(listener, drained)
  }
}

function keyOf({ listen, mode }: Route, index: number): string {
  return `${mode} ${listenKey(listen)}${isAnyPort(listen) ? ` ${index}` : ''}`
}

function otherMode(key: string): string {
  return key.startsWith('http ') ? `tcp ${key.slice('http '.length)}` : `http ${key.slice('tcp '.length)}`
}
