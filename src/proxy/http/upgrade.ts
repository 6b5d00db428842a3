// A request to switch protocols, such as a WebSocket's: passed on, and both connections joined when the upstream agrees.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'
import { breakOff } from '../break-off.ts'
import { join } from '../join.ts'
import { noteReached } from '../reachability.ts'
import { connectTimeout } from '../reason.ts'
import type { Upstream } from '../upstream.ts'
import { answerHeaders, type RawHeaders, requestHeaders, upgradeHeaders } from './headers.ts'
import type { Stage } from './retry.ts'
import { Round } from './round.ts'
import type { Site } from './site.ts'

const http = process.getBuiltinModule('node:http')

/** Milliseconds for a client whose request was refused to read why, and go. */
const lingering = 1000

/**
 * Whether a request is to be passed on as a switch of protocols. Not HTTP/2's: a client that offers it goes on in HTTP/1 when the offer is
 * ignored, and behind it the proxy could see no request any more.
 */
export function isUpgrade(request: IncomingMessage): boolean {
  const { method, headers, httpVersionMinor } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return method === 'GET' && httpVersionMinor > 0 && !hasBody && headers.upgrade?.toLowerCase() !== 'h2c'
}

/** `head`: what the client has sent behind its request already. */
export function passUpgrade(site: Site, request: IncomingMessage, client: Socket, head: Buffer): void {
  const wanted = site.wantedSlot(request)
  const round = new Round(site, { address: site.addressOf(request), wanted, repeatable: true })
  const headers = requestHeaders(request.rawHeaders, {
    address: request.socket.remoteAddress,
    trusted: site.trusts,
  })
  headers.push('Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? '')
  client.setNoDelay(true)
  // An unread byte waits in the kernel; what is here already must not be lost.
  if (head.length > 0) client.unshift(head)
  ask(round.next())

  function ask(upstream: Upstream | undefined): void {
    if (upstream === undefined) return refuse()
    const { clock } = site.surroundings
    const { connect, idle } = site.timeouts
    const { host, port } = upstream
    const began = clock.now()
    let stage: Stage = 'connecting'
    let ended = false
    let cancelTimer: (() => void) | undefined
    const out = http.request({
      agent: site.connectionsTo(upstream).single,
      ...{ host, port, method: 'GET', path: request.url ?? '/', headers, setHost: false, timeout: idle },
    })
    upstream.begun()
    const wait = upstream.awaited()
    const finish = (): void => {
      if (!ended) upstream.ended()
      wait.over()
      ended = true
      cancelTimer?.()
      client.off('close', gone)
    }
    const gone = (): void => {
      finish()
      out.destroy()
    }
    const failed = (error: Error, timedOut: boolean): void => {
      if (ended || stage === 'answered') return
      finish()
      const verdict = round.failed(upstream, { stage, reused: false, timedOut, error })
      if (verdict === 'give-up') refuse()
      else ask(round.next())
    }
    client.once('close', gone)
    out.once('socket', (socket) => {
      if (connect > 0) cancelTimer = clock.at(clock.now() + connect, () => out.destroy(connectTimeout()))
      socket.setTimeout(0) // it is told but once, and counts from the connection on
      socket.once('connect', () => {
        stage = 'sent'
        cancelTimer?.()
        socket.setTimeout(idle)
        noteReached(upstream, site.surroundings)
      })
    })
    out.on('error', (error) => failed(error, false))
    out.once('timeout', () => {
      if (stage === 'answered') return void breakOff(client)
      failed(new Error('no answer in time'), true)
      out.destroy()
    })
    out.once('upgrade', (answer, server, rest) => {
      stage = 'answered'
      upstream.responded(clock.now() - began)
      wait.answered()
      client.off('close', gone)
      server.once('close', finish)
      const cookie = site.cookieFor(upstream.id, wanted)
      const raw = upgradeHeaders(answer.rawHeaders)
      if (cookie !== undefined) raw.push('Set-Cookie', cookie)
      client.write(headOf(answer, raw), 'latin1')
      if (rest.length > 0) server.unshift(rest)
      server.setNoDelay(true)
      // Both sides must be able to end one direction alone: the sockets of HTTP servers and agents can, once they are told.
      client.allowHalfOpen = true
      server.allowHalfOpen = true
      join(client, server, site.upgradedIdle)
    })
    out.once('response', (answer) => {
      stage = 'answered'
      upstream.responded(clock.now() - began)
      wait.answered()
      answer.once('close', finish)
      const raw = answerHeaders(answer.rawHeaders, false)
      const cookie = site.cookieFor(upstream.id, wanted)
      if (cookie !== undefined) raw.push('Set-Cookie', cookie)
      // The end of the connection is the end of the answer, which holds for every client and length.
      raw.push('Connection', 'close')
      client.write(headOf(answer, raw), 'latin1')
      answer.on('error', () => breakOff(client))
      answer.pipe(client)
      leave(client, clock)
    })
    out.end()
  }

  function refuse(): void {
    const { status, text } = round.refusal()
    client.end(ownAnswer(status, text))
    leave(client, site.surroundings.clock)
  }
}

/** Once it has been sent everything, a client has a moment to go by itself. Unread, not even its end would be seen. */
function leave(client: Socket, clock: Clock): void {
  client.resume()
  client.once('finish', () => {
    const cancel = clock.at(clock.now() + lingering, () => client.destroy())
    client.once('close', cancel)
  })
}

function headOf({ statusCode, statusMessage }: IncomingMessage, raw: RawHeaders): string {
  let head = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`
  for (let index = 0; index + 1 < raw.length; index += 2) head += `${raw[index]}: ${raw[index + 1]}\r\n`
  return `${head}\r\n`
}

function ownAnswer(status: number, text: string): string {
  const body = `${text}\n`
  const reason = http.STATUS_CODES[status]
  return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
}
