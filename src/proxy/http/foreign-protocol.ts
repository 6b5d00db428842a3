// Clients that speak something else than HTTP/1 to an `http` route: known by their first bytes, and sent away in their own language.

export interface ForeignProtocol {
  readonly name: 'TLS' | 'HTTP/2'
  /** What ends it for a client of that protocol with a reason it understands. */
  readonly goodbye: Buffer
}

/** A fatal alert (RFC 8446, 6): handshake_failure. */
const tlsAlert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])

/** An empty SETTINGS frame, which must come first, and GOAWAY with HTTP_1_1_REQUIRED (RFC 9113, 7). */
const http2GoAway = Buffer.from([
  ...[0, 0, 0, 0x04, 0, 0, 0, 0, 0],
  ...[0, 0, 8, 0x07, 0, 0, 0, 0, 0, ...[0, 0, 0, 0], ...[0, 0, 0, 0x0d]],
])

const http2Preface = 'PRI * HTTP/2.0\r\n'

export function foreignProtocolOf(bytes: Buffer): ForeignProtocol | undefined {
  // A handshake record of any TLS version; HTTP begins with a letter.
  if (bytes[0] === 0x16 && bytes[1] === 0x03) return { name: 'TLS', goodbye: tlsAlert }
  if (bytes.subarray(0, http2Preface.length).toString('latin1') === http2Preface)
    return { name: 'HTTP/2', goodbye: http2GoAway }
  return undefined
}
