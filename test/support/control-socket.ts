// Bytes on a supervisor's control socket, as any process of the same user could send them.
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export interface Answered {
  /** Undefined when the connection was closed without an answer. */
  readonly status: number | undefined
  readonly body: string
}

/** Sends `bytes` and waits until the other side has closed; `end` closes this side first. */
export function exchange(
  home: string,
  bytes: string | Buffer,
  options: { end?: boolean } = {},
): Promise<Answered> {
  const { promise, resolve } = Promise.withResolvers<Answered>()
  const socket = connect(join(home, 'control.sock'))
  let text = ''
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  socket.on('error', () => {}) // a reset is one way of being closed; the tests look at the answer
  socket.once('close', () => resolve(answerOf(text)))
  if (options.end) socket.end(bytes)
  else socket.write(bytes)
  return promise
}

/** One operation with a body that may be anything. */
export function post(
  home: string,
  operation: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = `content-length: ${Buffer.byteLength(body)}\r\n`
  return exchange(
    home,
    `POST /v1/${operation} HTTP/1.1\r\nhost: brood\r\nconnection: close\r\n${length}${lines.join('')}\r\n${body}`,
  )
}

/** A connection that has said `bytes` and says no more. */
export async function holdOpen(t: TestContext, home: string, bytes: string): Promise<Socket> {
  const socket = connect(join(home, 'control.sock'))
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
  return socket
}

function answerOf(text: string): Answered {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]
  const at = text.indexOf('\r\n\r\n')
  const body = at < 0 ? '' : text.slice(at + 4)
  // Answers come in one chunk: its length in hexadecimal, the chunk, the end.
  const chunk = /^[0-9a-f]+\r\n([\s\S]*)\r\n0\r\n\r\n$/.exec(body)?.[1]
  return { status: status === undefined ? undefined : Number(status), body: chunk ?? body }
}
