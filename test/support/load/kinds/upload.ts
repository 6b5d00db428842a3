/** Sends a large body slowly, in pieces, and checks that the server counted every byte. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Answer } from '../answer-reader.ts'
import type { Client } from '../client.ts'

export type UploadSettings = {
  readonly clients: number
  /** Size of the body; 1 MiB unless given. */
  readonly bytes?: number
  readonly pieces?: number
  /** Milliseconds from the first piece to the last; 600 unless given. */
  readonly duration?: number
}

export async function upload(client: Client, settings: UploadSettings): Promise<void> {
  const { bytes = 1024 * 1024, pieces = 64, duration = 600 } = settings
  const payload = Buffer.alloc(Math.ceil(bytes / pieces), 'u')
  await client.ask({
    request: `POST /upload HTTP/1.1\r\nHost: load\r\nContent-Length: ${bytes}\r\n\r\n`,
    body: async (connection) => {
      for (let piece = 0; piece < pieces && connection.isAsking; piece++) {
        if (piece > 0) await wait(duration / (pieces - 1))
        // Rounded from the total, so that any number of pieces adds up to exactly `bytes`.
        const size = Math.floor(((piece + 1) * bytes) / pieces) - Math.floor((piece * bytes) / pieces)
        connection.send(payload.subarray(0, size))
      }
    },
    check: (answer) => checkCount(answer, bytes),
  })
}

function checkCount(answer: Answer, bytes: number): string | undefined {
  const counted = /"bytes":\s*(\d+)/.exec(answer.body)?.[1]
  if (counted === undefined) return `no byte count in ${JSON.stringify(answer.body.slice(0, 80))}`
  return Number(counted) === bytes ? undefined : `the server counted ${counted} of ${bytes} bytes`
}
