/** Reads the status line and the headers of an answer, and decides how its body will end. */

type Framing = { by: 'length'; length: number } | { by: 'chunks' } | { by: 'close' }

export type AnswerHead = {
  readonly status: number
  /** Names in lower case; a header that comes twice is joined with a comma. */
  readonly headers: ReadonlyMap<string, string>
  readonly framing: Framing
  /** The server announced that it closes the connection after this answer. */
  readonly closes: boolean
}

/** The server sent something that is not HTTP/1.1. */
export class MalformedAnswer extends Error {}

/** `text` is the head without its final empty line, decoded as latin1 so that one character is one byte. */
export function parseHead(text: string): AnswerHead {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const version = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(statusLine)
  if (!version) throw new MalformedAnswer(`not a status line: ${JSON.stringify(statusLine.slice(0, 80))}`)
  const status = Number(version[2])
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    // A line that begins with a space would continue the one before: obsolete, and no honest server sends it.
    if (colon < 1 || line.charCodeAt(0) <= 32)
      throw new MalformedAnswer(`not a header: ${JSON.stringify(line)}`)
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  const framing = framingOf(status, headers)
  const connection = headers.get('connection')?.toLowerCase()
  const closes =
    framing.by === 'close' ||
    (connection === undefined ? version[1] === '0' : /(?:^|,)\s*close\s*(?:,|$)/.test(connection))
  return { status, headers, framing, closes }
}

function framingOf(status: number, headers: ReadonlyMap<string, string>): Framing {
  if (status < 200 || status === 204 || status === 304) return { by: 'length', length: 0 }
  const encoding = headers.get('transfer-encoding')
  const length = headers.get('content-length')
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked') throw new MalformedAnswer(`transfer-encoding ${encoding}`)
    if (length !== undefined) throw new MalformedAnswer('both transfer-encoding and content-length')
    return { by: 'chunks' }
  }
  if (length === undefined) return { by: 'close' }
  if (!/^\d{1,15}$/.test(length)) throw new MalformedAnswer(`content-length ${length}`)
  return { by: 'length', length: Number(length) }
}
