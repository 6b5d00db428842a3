/** Asks, leaves the connection idle for a random while, and asks again on it: what a reload most easily breaks. */
import type { Client } from '../client.ts'

export type KeepAliveIdleSettings = {
  readonly clients: number
  /** The shortest and the longest idle time in milliseconds; 20 and 400 unless given. */
  readonly idleFrom?: number
  readonly idleTo?: number
}

const question = { request: 'GET / HTTP/1.1\r\nHost: load\r\n\r\n' }

export async function keepAliveIdle(client: Client, settings: KeepAliveIdleSettings): Promise<void> {
  const { idleFrom = 20, idleTo = 400 } = settings
  await client.ask(question)
  await client.pause(idleFrom + client.random() * (idleTo - idleFrom))
}
