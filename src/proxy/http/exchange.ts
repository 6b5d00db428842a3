// One request on its way through: sent to an upstream, asked again elsewhere where that is safe, its answer piped back.
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { noteReached } from '../reachability.ts'
import { connectTimeout } from '../reason.ts'
import type { Upstream, Wait } from '../upstream.ts'
import { Client } from './client.ts'
import { answerHeaders, isCoded, requestHeaders, trailersOf } from './headers.ts'
import { isRepeatable, type Stage } from './retry.ts'
import { Round } from './round.ts'
import type { Site } from './site.ts'

const http = process.getBuiltinModule('node:http')

/** One upstream being asked. */
interface Attempt {
  readonly upstream: Upstream
  readonly out: ClientRequest
  readonly began: number
  stage: Stage
  over: boolean
  cancelTimer: (() => void) | undefined
  /** For the connection, and for the answer to what is wholly sent: not while the client still sends its body. */
  wait: Wait
}

export class Exchange {
  readonly #site: Site
  readonly #client: Client
  readonly #headers: readonly string[]
  readonly #repeatable: boolean
  readonly #wanted: number | undefined
  readonly #round: Round
  #attempt: Attempt | undefined

  constructor(site: Site, request: IncomingMessage, response: ServerResponse) {
    this.#site = site
    this.#client = new Client(request, response, site.surroundings.clock)
    const { method = 'GET', headers, rawHeaders, socket } = request
    const length = headers['content-length']
    const isChunked = headers['transfer-encoding'] !== undefined
    this.#repeatable = isRepeatable(method, this.#client.hasBody)
    this.#wanted = site.wantedSlot(request)
    const outgoing = requestHeaders(rawHeaders, { address: socket.remoteAddress, trusted: site.trusts })
    // Node would announce chunks for methods that usually have a body, and send none.
    if (!isChunked && length === undefined && !isRepeatable(method, false))
      outgoing.push('Content-Length', '0')
    this.#headers = outgoing
    const address = site.addressOf(request)
    this.#round = new Round(site, { address, wanted: this.#wanted, repeatable: this.#repeatable })
  }

  begin(): void {
    this.#client.attend(() => this.#clientGone())
    // Node decodes chunks alone, and what is passed on says nothing of a further coding.
    if (isCoded(this.#client.request.headers['transfer-encoding']))
      return this.#answer(501, 'Not Implemented: there is no transfer coding here but chunked')
    this.#next()
  }

  #next(): void {
    const upstream = this.#round.next()
    if (upstream === undefined) return this.#refuse()
    this.#ask(upstream, false)
  }

  #ask(upstream: Upstream, fresh: boolean): void {
    const { connect, idle } = this.#site.timeouts
    const connections = this.#site.connectionsTo(upstream)
    const { host, port } = upstream
    const { method = 'GET', url = '/' } = this.#client.request
    let out: ClientRequest
    try {
      out = http.request({
        agent: fresh || upstream.isRetired ? connections.single : connections.kept,
        ...{ host, port, method, path: url, headers: this.#headers, setHost: false, timeout: idle },
      })
    } catch {
      // What Node's parser lets in its client refuses to send, such as a blank in the path.
      return this.#answer(400, 'Bad Request: not a request that can be passed on')
    }
    out.maxHeadersCount = 0 // as in requests: none is left out
    const { clock } = this.#site.surroundings
    const began = clock.now()
    const attempt: Attempt = {
      upstream,
      out,
      began,
      stage: 'connecting',
      over: false,
      cancelTimer: undefined,
      wait: upstream.awaited(),
    }
    this.#attempt = attempt
    upstream.begun()
    out.once('socket', (socket) => {
      // Reused: there is no `connect` to wait for.
      if (!socket.connecting) {
        if (!this.#repeatable && connections.isStale(out, socket)) return this.#askAnew(attempt)
        return this.#connected(attempt, socket)
      }
      if (connect > 0) {
        attempt.cancelTimer = clock.at(clock.now() + connect, () => out.destroy(connectTimeout()))
      }
      socket.setTimeout(0) // it is told but once, and counts from the connection on
      socket.once('connect', () => this.#connected(attempt, socket))
    })
    // Every time: one that nobody hears would end the process.
    out.on('error', (error) => this.#failed(attempt, error, false))
    out.once('timeout', () => this.#timedOut(attempt))
    out.once('continue', () => {
      upstream.heard()
      this.#client.continue()
    })
    out.on('information', (information) => {
      upstream.heard()
      this.#client.inform(information)
    })
    out.once('response', (answer) => this.#answered(attempt, answer))
    if (!this.#client.hasBody) out.end()
  }

  /** With a connection that was never used: nothing has been written to the one it gets rid of. */
  #askAnew(attempt: Attempt): void {
    this.#finish(attempt)
    attempt.out.destroy()
    this.#ask(attempt.upstream, true)
  }

  #connected(attempt: Attempt, socket: Socket): void {
    if (attempt.over) return
    attempt.cancelTimer?.()
    attempt.stage = 'sent'
    // A kept connection still has the time it may be idle, and Node leaves it where the agent's is equal to ours.
    socket.setTimeout(this.#site.timeouts.idle)
    noteReached(attempt.upstream, this.#site.surroundings)
    if (!attempt.out.reusedSocket) socket.setNoDelay(true)
    if (this.#client.hasBody) this.#sendBody(attempt)
  }

  /** Only now that there is a connection: what has been read from the client could not be given to another upstream. */
  #sendBody(attempt: Attempt): void {
    const { request } = this.#client
    const { out, upstream } = attempt
    attempt.wait.over()
    out.flushHeaders()
    request.pipe(out, { end: false })
    request.once('end', () => {
      if (out.destroyed) return
      if (attempt.stage === 'sent' && !attempt.over) attempt.wait = upstream.awaited()
      if (request.rawTrailers.length > 0) out.addTrailers(trailersOf(request.rawTrailers))
      out.end()
    })
  }

  #answered(attempt: Attempt, answer: IncomingMessage): void {
    answer.on('error', () => {
      if (attempt.stage === 'answered') this.#client.cut()
    })
    if (attempt.over) return void answer.destroy()
    attempt.stage = 'answered'
    const { upstream } = attempt
    upstream.responded(this.#site.surroundings.clock.now() - attempt.began)
    attempt.wait.answered()
    answer.on('data', () => upstream.heard())
    answer.once('close', () => this.#finish(attempt))
    const { response } = this.#client
    const codings = answer.headers['transfer-encoding']
    const chunked = codings !== undefined
    if (isCoded(codings)) return this.#discard(answer, upstream)
    const headers = answerHeaders(answer.rawHeaders, chunked)
    const cookie = this.#site.cookieFor(upstream.id, this.#wanted)
    if (cookie !== undefined) headers.push('Set-Cookie', cookie)
    this.#client.closeUnlessContinued()
    response.sendDate = false
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers)
    } catch {
      return this.#discard(answer, upstream)
    }
    answer.pipe(response, { end: false })
    // What has come together with the head is written with it; a head that came alone goes on alone.
    process.nextTick(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders()
    })
    answer.once('end', () => {
      if (chunked && answer.rawTrailers.length > 0) response.addTrailers(trailersOf(answer.rawTrailers))
      response.end()
      this.#client.dropRest(attempt.out)
    })
  }

  #discard(answer: IncomingMessage, upstream: Upstream): void {
    answer.destroy()
    this.#answer(502, `Bad Gateway: slot ${upstream.id}: its answer can't be passed on`)
  }

  #failed(attempt: Attempt, error: Error, timedOut: boolean): void {
    // Answered: the answer tells by itself whether it is whole.
    if (attempt.over || attempt.stage === 'answered') return
    this.#finish(attempt)
    const { upstream, out, stage } = attempt
    const reused = out.reusedSocket
    const verdict = this.#round.failed(upstream, { stage, reused, timedOut, error })
    if (reused) this.#site.connectionsTo(upstream).dropIdle()
    switch (verdict) {
      case 'again':
        return this.#ask(upstream, true)
      case 'elsewhere':
        return this.#next()
      case 'give-up':
        return this.#refuse()
    }
  }

  #timedOut(attempt: Attempt): void {
    if (attempt.over || attempt.stage === 'connecting') return
    if (attempt.stage === 'answered') return this.#client.cut()
    const error = new Error('no answer in time')
    if (this.#client.hasBody && !this.#client.request.complete) {
      this.#finish(attempt)
      this.#answer(408, 'Request Timeout: the rest of the request did not come')
    } else this.#failed(attempt, error, true)
    attempt.out.destroy(error)
  }

  #clientGone(): void {
    const attempt = this.#attempt
    if (attempt === undefined || this.#client.response.writableFinished) return
    this.#finish(attempt)
    attempt.out.destroy()
  }

  #refuse(): void {
    const { status, text } = this.#round.refusal()
    this.#answer(status, text)
  }

  #answer(status: number, text: string): void {
    this.#client.answer(status, text, this.#attempt?.out)
  }

  #finish(attempt: Attempt): void {
    if (attempt.over) return
    attempt.over = true
    attempt.cancelTimer?.()
    attempt.wait.over()
    attempt.upstream.ended()
  }
}
