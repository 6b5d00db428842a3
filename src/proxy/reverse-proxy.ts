// The reverse proxy: keeps a listener for each route, and changes them without dropping anything.
import type { AddressInfo } from 'node:net'
import { systemClock } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import { HttpListener } from './http/http-listener.ts'
import { type Listener, open } from './listener.ts'
import { assertRoutes, isAnyPort, type ListenAt, listenKey, type Route } from './route.ts'
import type { Surroundings } from './surroundings.ts'
import { TcpListener } from './tcp/tcp-listener.ts'

interface Opened {
  readonly route: Route
  readonly listener: Listener
}

/** A listener that has made way for another. */
interface GivenUp {
  readonly key: string
  readonly route: Route
  readonly listen: ListenAt
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
   * it listens on: one whose address is no longer there lets nobody in and finishes what it has. Where a new one needs its port (another
   * mode, or `127.0.0.1:80` in place of `*:80`), it closes first.
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
    const givenUp: GivenUp[] = []
    try {
      for (const [key, route] of wanted) {
        if (!this.#opened.has(key)) opened.set(key, await this.#openInPlace(route, wanted, givenUp))
      }
    } catch (error) {
      for (const { listener } of opened.values()) this.#drain(listener)
      for (const { key, route, listen } of givenUp) this.#opened.set(key, await this.#open(route, listen))
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

  /** Those that are not wanted any more are kept until everything listens, but for one that has the very port. */
  async #openInPlace(route: Route, wanted: ReadonlyMap<string, Route>, givenUp: GivenUp[]): Promise<Opened> {
    try {
      return await this.#open(route)
    } catch (error) {
      if (!(error instanceof BroodError && error.code === 'port_in_use')) throw error
      const inTheWay = [...this.#opened].flatMap(([key, opened]) => {
        const listen = wanted.has(key) ? undefined : sharedPlace(opened, route)
        return listen === undefined ? [] : [{ key, opened, listen }]
      })
      if (inTheWay.length === 0) throw error
      for (const { key, opened, listen } of inTheWay) {
        this.#retire(key, opened)
        givenUp.push({ key, route: opened.route, listen })
      }
      return this.#open(route)
    }
  }

  async #open(route: Route, listen = route.listen): Promise<Opened> {
    const listener =
      route.mode === 'http'
        ? new HttpListener(route, this.#surroundings)
        : new TcpListener(route, this.#surroundings)
    await open(listener.server, listen)
    return { route, listener }
  }

  #retire(key: string, { listener }: Opened): void {
    this.#opened.delete(key)
    this.#drain(listener)
  }

  #drain(listener: Listener): void {
    const drained = listener.drain().then(() => void this.#draining.delete(listener))
    this.#draining.set(listener, drained)
  }
}

function keyOf({ listen, mode }: Route, index: number): string {
  return `${mode} ${listenKey(listen)}${isAnyPort(listen) ? ` ${index}` : ''}`
}

/** Where a listener is, with the port it got, if that is the port, or the path, that another route needs. */
function sharedPlace({ route, listener }: Opened, { listen }: Route): ListenAt | undefined {
  const address = listener.server.address()
  if ('path' in listen) return listen.path === address ? route.listen : undefined
  const isSame = typeof address === 'object' && address?.port === listen.port
  return isSame ? { ...route.listen, port: listen.port } : undefined
}
