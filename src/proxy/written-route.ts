// A route as it is written on a command line.
import { isIPv4, isIPv6 } from 'node:net'
import { balancerNames, isBalancerName } from '../balance/index.ts'
import type { Millis } from '../kernel/clock.ts'
import { parseDuration } from '../kernel/duration.ts'
import { BroodError } from '../kernel/errors.ts'
import { assertRoutes, type ListenAt, type Route, type UpstreamAddress } from './route.ts'

/** What the options say, unchecked. */
export interface WrittenRoute {
  readonly listen?: string | undefined
  readonly to?: readonly string[] | undefined
  readonly mode?: string | undefined
  readonly balance?: string | undefined
  readonly weights?: string | undefined
  /** True for the usual name. */
  readonly sticky?: string | boolean | undefined
  readonly trust?: boolean | undefined
  readonly connectTimeout?: string | undefined
  readonly idleTimeout?: string | undefined
}

/** The name of the cookie where none is given. */
export const usualCookie = 'brood'

/** Throws a `BroodError` that names the option. */
export function routeOf(written: WrittenRoute): Route {
  const { listen, to = [], mode = 'http', balance = 'round-robin', sticky, trust } = written
  if (listen === undefined)
    throw wrong("--listen is missing: write a port, host:port or a path, such as '--listen 8080'")
  if (to.length === 0) throw wrong("--to is missing: write where requests go, such as '--to 127.0.0.1:3001'")
  if (mode !== 'http' && mode !== 'tcp') throw wrong(`--mode ${mode}: write http or tcp`)
  if (!isBalancerName(balance)) throw wrong(`--balance ${balance}: choose one of ${balancerNames.join(', ')}`)
  if (sticky !== undefined && sticky !== false && mode === 'tcp')
    throw wrong('--sticky needs --mode http, where there are cookies; for tcp write --balance ip-hash')
  const weights = weightsOf(written.weights, to.length)
  if (weights !== undefined && !heedsWeights(balance))
    throw wrong(
      `--weights has no meaning with --balance ${balance}: write weighted, least-connections, two-choices or ewma`,
    )
  const connect = timeOf('--connect-timeout', written.connectTimeout)
  const idle = timeOf('--idle-timeout', written.idleTimeout)
  const route: Route = {
    listen: listenOf(listen),
    mode,
    algorithm: balance,
    upstreams: to.map((text, slot) => upstreamOf(text, slot, weights?.[slot] ?? 1)),
    ...(sticky === undefined || sticky === false
      ? {}
      : { sticky: { cookie: sticky === true ? usualCookie : sticky } }),
    ...(trust === true ? { trust } : {}),
    timeouts: { ...(connect === undefined ? {} : { connect }), ...(idle === undefined ? {} : { idle }) },
  }
  assertRoutes([route])
  return route
}

function heedsWeights(balance: string): boolean {
  return ['weighted', 'least-connections', 'two-choices', 'ewma'].includes(balance)
}

function listenOf(text: string): ListenAt {
  if (text.includes('/')) return { path: text }
  const [host, port] = split(text)
  const number = portOf(port, 0)
  if (number === undefined)
    throw wrong(`--listen ${text}: write a port from 0 to 65535, host:port, [IPv6]:port, or a path with a /`)
  return host === undefined ? { port: number } : { host, port: number }
}

function upstreamOf(text: string, slot: number, weight: number): UpstreamAddress {
  const [host = '127.0.0.1', port] = split(text)
  const number = portOf(port, 1)
  if (number === undefined)
    throw wrong(`--to ${text}: write host:port, such as 127.0.0.1:3001, or a port of this machine`)
  return { slot, host, port: number, weight }
}

/** `8080`, `:8080`, `example.org:8080`, `[::1]:8080`. */
function split(text: string): [string | undefined, string] {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d+)$/.exec(text)
  if (match === null) return [undefined, text]
  const [, ipv6, host, port = ''] = match
  if (ipv6 !== undefined) return isIPv6(ipv6) ? [ipv6, port] : [undefined, text]
  if (host === undefined || host === '') return [undefined, port]
  // Only digits and dots: a name can't be that.
  if (/^[\d.]+$/.test(host) && !isIPv4(host)) return [undefined, text]
  return [host, port]
}

function portOf(text: string, least: number): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port >= least && port <= 65_535 ? port : undefined
}

function weightsOf(text: string | undefined, upstreams: number): number[] | undefined {
  if (text === undefined) return undefined
  const weights = text.split(',').map((one) => (/^\d+$/.test(one.trim()) ? Number(one) : 0))
  if (weights.some((weight) => weight < 1 || weight > 256) || weights.length > upstreams)
    throw wrong(
      `--weights ${text}: write an integer from 1 to 256 for each --to, in their order, such as 3,1,1`,
    )
  return weights
}

function timeOf(option: string, text: string | undefined): Millis | undefined {
  if (text === undefined) return undefined
  const time = parseDuration(text)
  if (time === undefined) throw wrong(`${option} ${text}: write a time such as 5s, or 0 for never`)
  return time
}

function wrong(message: string): BroodError {
  return new BroodError('usage', message)
}
