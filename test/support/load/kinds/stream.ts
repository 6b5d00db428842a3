/** Asks for an answer that comes slowly, chunk by chunk, and checks that it came to its end. */
import type { Answer } from '../answer-reader.ts'
import type { Client } from '../client.ts'

export type StreamSettings = { readonly clients: number }

const question = { request: 'GET /stream HTTP/1.1\r\nHost: load\r\n\r\n', check: checkPieces }

export async function stream(client: Client, _settings: StreamSettings): Promise<void> {
  await client.ask(question)
}

/** Each line says which piece of how many it is, so a piece that is missing, doubled or out of order shows. */
function checkPieces(answer: Answer): string | undefined {
  if (answer.head.framing.by !== 'chunks') return 'the stream did not come in chunks'
  const lines = answer.body.split('\n')
  const total = /^piece 1 of (\d+)$/.exec(lines[0] ?? '')?.[1]
  if (total === undefined) return `not a stream of pieces: ${JSON.stringify(answer.body.slice(0, 80))}`
  const expected = Array.from(
    { length: Number(total) },
    (_, index) => `piece ${index + 1} of ${total}\n`,
  ).join('')
  return answer.body === expected
    ? undefined
    : `the stream of ${total} pieces is not as expected: ${answer.body}`
}
