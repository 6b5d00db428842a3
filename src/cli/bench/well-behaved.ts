// Makes autocannon's clients heed `Connection: close`, and notice answers that never came.
import type { Client } from 'autocannon'
import type { Millis } from '../../kernel/clock.ts'
import { systemCode } from '../../kernel/errors.ts'
import { failureOf, type Tally } from './tally.ts'

/** Before a client whose connection failed tries again: at once, it would do nothing else. */
const breath: Millis = 20

/**
 * Left to itself, a client writes its next request to a connection that the server has just announced to close, and counts what
 * follows as an error; of a request whose connection was closed without an answer it says nothing.
 */
export function behaveWell(client: Client, tally: Tally): void {
  const connect = client._connect.bind(client)
  const request = client._doRequest.bind(client)
  /** The server has said that this answer is the connection's last. */
  let isLast = false
  let hasFailed = false
  let retry: NodeJS.Timeout | undefined

  client._doRequest = () => {
    if (!isLast) request()
  }
  client._connect = () => {
    forget(client)
    // What was on its way behind a connection's last answer was never looked at, and may be asked again.
    if (!isLast) for (let lost = client.pipelinedRequests.size(); lost > 0; lost--) tally.failed('closed')
    client.pipelinedRequests.clear()
    isLast = false
    clearTimeout(retry)
    if (!hasFailed) return connect()
    hasFailed = false
    retry = setTimeout(() => {
      if (!client.destroyed) client._connect()
    }, breath).unref()
  }
  client.on('headers', ({ shouldKeepAlive }: { shouldKeepAlive: boolean }) => {
    if (!shouldKeepAlive) isLast = true
  })
  client.on('response', (status: number, bytes: number, took: Millis) => {
    tally.answered(status, bytes, took)
    // Servers may leave it to the client to close, as Node does after `maxRequestsPerSocket`.
    if (isLast) client.conn?.end()
  })
  client.on('connError', (error: Error) => {
    hasFailed = true
    const code = systemCode(error)
    if (!isLast) tally.failed(failureOf(code), code)
    client.pipelinedRequests.clear()
  })
  client.on('timeout', () => tally.failed('timeouts'))
}

/** Nothing that still comes of the old connection is the new one's; nor is half an answer. */
function forget({ conn, parser }: Client): void {
  parser.finish() // an answer without a length ends with its connection
  parser.initialize('RESPONSE')
  if (conn === undefined) return
  for (const event of ['error', 'end', 'data']) conn.removeAllListeners(event)
  conn.on('error', () => {})
  conn.destroy()
}
