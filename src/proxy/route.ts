// What a proxy is told to do: where clients come in, and to whom what they send goes.
import { isIPv6 } from 'node:net'
import { type BalancerName, isBalancerName } from '../balance/index.ts'
import type { Millis } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'

/** What `server.listen` takes. */
export type ListenAt =
  | { readonly host?: string; readonly port: number; readonly ipv6Only?: boolean }
  | { readonly path: string }

/** One of those a route leads to. */
export interface UpstreamAddress {
  /** Names it for balancing and in the sticky cookie; unique within its route. */
  readonly slot: number
  readonly host: string
  readonly port: number
  /** Its share relative to the others, above 0; 1 is usual. */
  readonly weight: number
}

export interface Route {
  readonly listen: ListenAt
  /** `http` balances every request by itself; `tcp` every connection, whatever it speaks. */
  readonly mode: 'http' | 'tcp'
  readonly algorithm: BalancerName
  readonly upstreams: readonly UpstreamAddress[]
  /** Only in mode `http`: a client that has this cookie goes to the slot it names, as long as that is there. */
  readonly sticky?: { readonly cookie: string }
  /** Only in mode `http`: whoever asks is a proxy of one's own, whose `X-Forwarded-…` headers are true. */
  readonly trust?: boolean
  readonly timeouts?: Partial<Timeouts>
}

/** Milliseconds; 0 is never. */
export interface Timeouts {
  /** To reach an upstream. */
  readonly connect: Millis
  /** Without a byte in either direction while a request is under way; in mode `tcp` and on upgraded connections it counts if it is set. */
  readonly idle: Millis
}

export const usualConnectTimeout: Millis = 5000
export const usualIdleTimeout: Millis = 60_000

/** The same for two routes of which only one can listen. */
export function listenKey(listen: ListenAt): string {
  if ('path' in listen) return `unix:${listen.path}`
  return `${listen.host ?? '*'}:${listen.port}${listen.ipv6Only === true ? ' ipv6only' : ''}`
}

/** As people write it: `[::1]:80`. */
export function hostPort({ host, port }: { host: string; port: number }): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** Who listens on all addresses of this machine is reached by the nearest. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/** For people: where a route listens. */
export function listenText(listen: ListenAt): string {
  if ('path' in listen) return listen.path
  return listen.host === undefined
    ? `port ${listen.port}`
    : hostPort({ host: listen.host, port: listen.port })
}

/** Less than RFC 6265 allows: without what has a meaning in the configurations of other proxies. */
const cookieName = /^[\w.-]+$/

/** Throws if something in the routes cannot work, so that nothing of them is applied. */
export function assertRoutes(routes: readonly Route[]): void {
  const keys = new Set<string>()
  for (const route of routes) {
    const key = listenKey(route.listen)
    const where = listenText(route.listen)
    if (keys.has(key) && !isAnyPort(route.listen))
      throw unusable(`two routes listen on ${where}: give each its own address`)
    keys.add(key)
    if (!isBalancerName(route.algorithm))
      throw unusable(`${where}: there is no algorithm '${route.algorithm}'`)
    if (route.sticky !== undefined && route.mode !== 'http')
      throw unusable(
        `${where}: a sticky cookie needs mode 'http'; in mode 'tcp' take the algorithm 'ip-hash'`,
      )
    if (route.sticky !== undefined && !cookieName.test(route.sticky.cookie))
      throw unusable(
        `${where}: '${route.sticky.cookie}' can't be a cookie's name: write letters, digits, '-', '_' and '.'`,
      )
    assertUpstreams(where, route.upstreams)
  }
}

function assertUpstreams(where: string, upstreams: readonly UpstreamAddress[]): void {
  const slots = new Set<number>()
  for (const { slot, host, port, weight } of upstreams) {
    if (!Number.isInteger(slot) || slot < 0) throw unusable(`${where}: slot ${slot}: write an integer from 0`)
    if (slots.has(slot)) throw unusable(`${where}: two upstreams have slot ${slot}: give each its own`)
    slots.add(slot)
    if (host === '') throw unusable(`${where}: the upstream of slot ${slot} has no host`)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw unusable(`${where}: upstream ${hostPort({ host, port })}: write a port from 1 to 65535`)
    if (!(weight > 0 && Number.isFinite(weight)))
      throw unusable(
        `${where}: upstream ${hostPort({ host, port })} has weight ${weight}: write a number above 0`,
      )
  }
}

/** Each listener with port 0 gets a port of its own. */
export function isAnyPort(listen: ListenAt): boolean {
  return 'port' in listen && listen.port === 0
}

function unusable(message: string): BroodError {
  return new BroodError('usage', message)
}
