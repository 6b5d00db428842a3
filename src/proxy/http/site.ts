// What every request of one `http` route shares: its upstreams, the connections to them, and its settings.
import type { IncomingMessage } from 'node:http'
import { type Route, type Timeouts, usualConnectTimeout, usualIdleTimeout } from '../route.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Upstream } from '../upstream.ts'
import { Upstreams } from '../upstreams.ts'
import { Connections } from './connections.ts'
import { clientAddress, plainAddress } from './headers.ts'
import { cookieOfSlot, slotOfCookie } from './sticky-cookie.ts'

export class Site {
  readonly surroundings: Surroundings
  readonly upstreams: Upstreams
  readonly #connections = new WeakMap<Upstream, Connections>()
  #route: Route

  constructor(route: Route, surroundings: Surroundings) {
    this.surroundings = surroundings
    this.#route = route
    this.upstreams = new Upstreams(surroundings.clock)
    this.upstreams.update(route.algorithm, route.upstreams)
  }

  update(route: Route): void {
    this.#route = route
    this.upstreams.update(route.algorithm, route.upstreams)
  }

  /** No upstream is needed any more; what is under way finishes. */
  retire(): void {
    this.upstreams.update(this.#route.algorithm, [])
  }

  get timeouts(): Timeouts {
    const { connect = usualConnectTimeout, idle = usualIdleTimeout } = this.#route.timeouts ?? {}
    return { connect, idle }
  }

  /** Upgraded connections are silent for hours, and nothing is wrong with that. */
  get upgradedIdle(): number {
    return this.#route.timeouts?.idle ?? 0
  }

  get trusts(): boolean {
    return this.#route.trust === true
  }

  connectionsTo(upstream: Upstream): Connections {
    const known = this.#connections.get(upstream)
    if (known !== undefined) return known
    const connections = new Connections(upstream, this.surroundings.clock)
    this.#connections.set(upstream, connections)
    return connections
  }

  /** The address that a client is told apart by. */
  addressOf(request: IncomingMessage): string | undefined {
    const peer = request.socket.remoteAddress
    const forwarded = this.trusts ? request.headers['x-forwarded-for'] : undefined
    const address = clientAddress(peer, typeof forwarded === 'string' ? forwarded : forwarded?.join(','))
    return address === undefined ? undefined : plainAddress(address)
  }

  /** The slot a client belongs to, by its cookie. */
  wantedSlot(request: IncomingMessage): number | undefined {
    const { sticky } = this.#route
    return sticky === undefined ? undefined : slotOfCookie(request.headers.cookie, sticky.cookie)
  }

  /** What makes the client come back to this slot; undefined when it does so anyway. */
  cookieFor(slot: number, wanted: number | undefined): string | undefined {
    const { sticky } = this.#route
    return sticky === undefined || slot === wanted ? undefined : cookieOfSlot(sticky.cookie, slot)
  }
}
