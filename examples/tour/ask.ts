// The tour's client: asks a server over TCP or HTTP, once or many times, and counts who answered.
import { once } from 'node:events'
import { type Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

/** What a TCP server says until it closes the connection. */
export async function askTcp(port: number): Promise<string> {
  return text(connect(port, '127.0.0.1'))
}

/** What an HTTP server answers; on a new connection, unless an agent keeps one. */
export async function askHttp(port: number, path = '/', agent: Agent | false = false): Promise<string> {
  const [response]: IncomingMessage[] = await once(get({ host: '127.0.0.1', port, path, agent }), 'response')
  return response === undefined ? '' : text(response)
}

/** Asks one after the other; answer → how often it came. */
export async function tally(times: number, ask: () => Promise<string>): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (let time = 0; time < times; time++) {
    const answer = await ask()
    counts.set(answer, (counts.get(answer) ?? 0) + 1)
  }
  return counts
}
