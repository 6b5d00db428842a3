// Posts an event to a web address, and reads from the answer whether it has arrived.
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Clock, Millis } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import type { Outcome } from './event.ts'

/** Characters of an answer that are read to explain a failure, and that are shown. */
const keptAnswer = 1024
const shownAnswer = 200

export interface Post {
  readonly url: string
  readonly body: string
  readonly id: string
  /** Of brood. */
  readonly version: string
}

/** Settles when the answer is there, or `deadline` has passed. Redirects are not followed: a POST would become a GET. */
export function post(
  { url, body, id, version }: Post,
  deadline: { readonly signal: AbortSignal; readonly why: () => string },
  clock: Clock,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const { signal, why } = deadline
  // The path can be the receiver's secret, so failures name the host alone.
  const { origin } = new URL(url)
  const failed = (reason: string): void =>
    resolve({ delivered: false, why: `${origin}: ${reason}`, isFinal: false })
  let request: ClientRequest
  try {
    request = open(url, {
      method: 'POST',
      agent: false, // no connection is kept for the next event, which may be days away
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': `brood/${version}`,
        'idempotency-key': id,
      },
    })
  } catch (error) {
    failed(messageOf(error))
    return promise
  }
  const end = (): void => {
    failed(why())
    request.destroy()
  }
  signal.addEventListener('abort', end)
  request.on('error', (error) => failed(messageOf(error)))
  request.on('response', (response) => {
    let answer = ''
    const judge = (): void => {
      resolve(verdict(origin, response, answer, clock.now()))
      request.destroy()
    }
    // The status alone decides; who is slow with the rest has the event all the same.
    signal.removeEventListener('abort', end)
    signal.addEventListener('abort', judge)
    promise.finally(() => signal.removeEventListener('abort', judge))
    response.setEncoding('utf8').on('data', (text: string) => {
      answer += text
      if (answer.length > keptAnswer) judge()
    })
    response.on('error', judge)
    response.on('end', judge)
  })
  promise.finally(() => signal.removeEventListener('abort', end))
  request.end(body)
  return promise
}

function open(url: string, options: RequestOptions): ClientRequest {
  // As ES modules they cost the supervisor 16 MB.
  return url.startsWith('https:')
    ? process.getBuiltinModule('node:https').request(url, options)
    : process.getBuiltinModule('node:http').request(url, options)
}

function verdict(origin: string, response: IncomingMessage, answer: string, now: Millis): Outcome {
  const { statusCode: status = 0, statusMessage = '', headers } = response
  if (status >= 200 && status < 300) return { delivered: true }
  const line = answer.trim().split('\n')[0]?.slice(0, shownAnswer) ?? ''
  const said = line === '' ? '' : `: ${line}`
  const advice = status >= 300 && status < 400 ? ', a redirect: give its target as the address' : ''
  const isTemporary = status >= 500 || status === 408 || status === 429
  const retryAt = retryAfter(headers['retry-after'], now)
  return {
    delivered: false,
    why: `${origin} answered ${status} ${statusMessage}`.trimEnd() + advice + said,
    isFinal: !isTemporary,
    ...(retryAt === undefined ? {} : { retryAt }),
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | undefined, now: Millis): Millis | undefined {
  if (value === undefined) return undefined
  const at = /^\d+$/.test(value) ? now + Number(value) * 1000 : Date.parse(value)
  return Number.isNaN(at) ? undefined : at
}
