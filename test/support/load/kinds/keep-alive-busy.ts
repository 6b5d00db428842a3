/** Asks again and again on one connection; opens a new one when an answer announces that it closes. */
import type { Client } from '../client.ts'

export type KeepAliveBusySettings = {
  readonly clients: number
  /** Milliseconds between an answer and the next request; 0 unless given. */
  readonly pause?: number
}

const question = { request: 'GET / HTTP/1.1\r\nHost: load\r\n\r\n' }

export async function keepAliveBusy(client: Client, settings: KeepAliveBusySettings): Promise<void> {
  await client.ask(question)
  await client.pause(settings.pause ?? 0)
}
