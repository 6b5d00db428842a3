/** Opens a new connection for every request. */
import type { Client } from '../client.ts'

export type ShortSettings = {
  readonly clients: number
  /** Milliseconds between two requests; 0 unless given. */
  readonly pause?: number
}

const question = { request: 'GET / HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n' }

export async function short(client: Client, settings: ShortSettings): Promise<void> {
  await client.ask(question)
  // A server may ignore the request to close, but the next request needs a new connection all the same.
  client.close()
  await client.pause(settings.pause ?? 0)
}
