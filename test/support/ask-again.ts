/** Asks on a connection that is kept, as often as wanted: who answers, and whether the server announces its end. */
import { on } from 'node:events'
import type { Socket } from 'node:net'
import { AnswerReader } from './load/answer-reader.ts'

interface Again {
  /** The process that answered. */
  readonly pid: number
  /** `Connection: close`: the answer was the last one on this connection. */
  readonly closes: boolean
}

/** Rejects when the connection is reset, or closed before the whole answer is there. */
export async function askAgain(socket: Socket): Promise<Again> {
  const reader = new AnswerReader()
  socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
  for await (const [bytes] of on(socket, 'data', { close: ['end', 'close'] })) {
    const answer = reader.push(bytes)
    if (answer === undefined) continue
    const { status, headers, closes } = answer.head
    if (status !== 200) throw new Error(`status ${status}: ${answer.body}`)
    return { pid: Number(headers.get('x-pid')), closes }
  }
  throw new Error(`the connection was closed ${reader.describeProgress()}`)
}
