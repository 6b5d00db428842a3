// Headers on their way through: what concerns one connection alone stays behind, and the upstream learns who asks.

/** Names and values in turn, as they came: `rawHeaders` of Node. */
export type RawHeaders = readonly string[]

/** RFC 9110, 7.6.1, and what was usual before it. `Trailer` and `TE` are dealt with apart. */
const hopByHop = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authorization',
])

/** A client must not make up who it is. */
const saysWhoAsks = new Set(['forwarded', 'x-real-ip'])
const saysWhoAsksBegins = 'x-forwarded-'

/** Programs behind CGI and its kin (WSGI, Rack, PHP) read `X_Forwarded_For` as if it were `X-Forwarded-For`. */
function isAboutAsker(lower: string): boolean {
  const name = lower.includes('_') ? lower.replaceAll('_', '-') : lower
  return name.startsWith(saysWhoAsksBegins) || saysWhoAsks.has(name)
}

export interface Asker {
  /** The peer's address; undefined on unix sockets. */
  readonly address: string | undefined
  /** Whether what it says of whom it asks for is true. */
  readonly trusted: boolean
}

/**
 * The headers for the upstream. `X-Forwarded-For`, `-Proto` and `-Host` are the proxy's own unless whoever asks is trusted: then
 * the address is appended, and the other two stay where they are given.
 */
export function requestHeaders(raw: RawHeaders, asker: Asker): string[] {
  const named = connectionNames(raw)
  const out: string[] = []
  let forwardedFor = ''
  let hasProto = false
  let hasHost = false
  let host: string | undefined
  let chunked = false
  let trailers = false
  each(raw, (name, value, lower) => {
    switch (lower) {
      case 'transfer-encoding':
        chunked = true
        return
      case 'te':
        trailers ||= /(?:^|,)\s*trailers\s*(?:$|[,;])/i.test(value)
        return
      case 'host':
        // A second one would let two readers disagree on whom the request is for.
        if (host !== undefined) return
        host = value
        break
      case 'x-forwarded-for':
        if (asker.trusted) forwardedFor += `${value}, `
        return
      case 'x-forwarded-proto':
        hasProto = true
        break
      case 'x-forwarded-host':
        hasHost = true
        break
    }
    if (hopByHop.has(lower) || named?.has(lower)) return
    if (!asker.trusted && isAboutAsker(lower)) return
    out.push(name, value)
  })
  // A body without a length stays one: Node frames it anew, in chunks of its own.
  if (chunked) out.push('Transfer-Encoding', 'chunked')
  if (trailers) out.push('TE', 'trailers')
  // HTTP/1.0 needs none; the upstream is asked in HTTP/1.1, which does.
  if (host === undefined) out.push('Host', 'localhost')
  const address = asker.address ?? 'unknown'
  out.push('X-Forwarded-For', `${forwardedFor}${plainAddress(address)}`)
  if (!(asker.trusted && hasProto)) out.push('X-Forwarded-Proto', 'http')
  if (!(asker.trusted && hasHost) && host !== undefined) out.push('X-Forwarded-Host', host)
  return out
}

/** The headers for the client; the framing of the body is left to the server, which knows what this client understands. */
export function answerHeaders(raw: RawHeaders, chunked: boolean): string[] {
  const named = connectionNames(raw)
  const out: string[] = []
  each(raw, (name, value, lower) => {
    if (hopByHop.has(lower) && lower !== 'proxy-authenticate') return
    if (named?.has(lower)) return
    // Announced trailers can only follow a body in chunks.
    if (lower === 'trailer' && !chunked) return
    out.push(name, value)
  })
  return out
}

/** Whether a `Transfer-Encoding` names more than chunks: such a body would be passed on as what it is not. */
export function isCoded(transferEncoding: string | undefined): boolean {
  if (transferEncoding === undefined) return false
  return !transferEncoding.split(',').every((coding) => /^\s*(?:chunked|identity)?\s*$/i.test(coding))
}

/** What comes after a body in chunks. Framing and routing must not be changed by then: RFC 9110, 6.5.1. */
export function trailersOf(raw: RawHeaders): [string, string][] {
  const out: [string, string][] = []
  each(raw, (name, value, lower) => {
    if (!hopByHop.has(lower) && lower !== 'content-length' && lower !== 'host') out.push([name, value])
  })
  return out
}

/** Headers of a switch of protocols: `Connection` and `Upgrade` are what it is about. */
export function upgradeHeaders(raw: RawHeaders): string[] {
  const out: string[] = []
  each(raw, (name, value, lower) => {
    if (lower === 'connection' || lower === 'upgrade' || !hopByHop.has(lower)) out.push(name, value)
  })
  return out
}

/** The client's address where a trusted proxy stands in between: the last one it has not made up itself. */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
): string | undefined {
  const last = forwardedFor?.split(',').at(-1)?.trim()
  return last === undefined || last === '' ? peer : last
}

/** A dual-stack socket shows IPv4 as `::ffff:192.0.2.1`; who reads the header expects the IPv4 address. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** What `Connection` names is for this connection alone as well. Undefined when it names nothing but the usual. */
function connectionNames(raw: RawHeaders): Set<string> | undefined {
  let names: Set<string> | undefined
  each(raw, (_name, value, lower) => {
    if (lower !== 'connection') return
    for (const one of value.split(',')) {
      const name = one.trim().toLowerCase()
      if (name === '' || name === 'close' || hopByHop.has(name) || neverNamed.has(name)) continue
      names ??= new Set()
      names.add(name)
    }
  })
  return names
}

/** Naming one of these would take away what the upstream relies on; a client has no honest reason to. */
const neverNamed = new Set([
  'host',
  'content-length',
  'content-type',
  'cookie',
  'authorization',
  'cache-control',
])

function each(raw: RawHeaders, see: (name: string, value: string, lower: string) => void): void {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    see(name, raw[index + 1] ?? '', name.toLowerCase())
  }
}
