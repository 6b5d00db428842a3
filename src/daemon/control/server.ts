// Serves the control API on a unix socket: one POST per operation, every input checked before anything is done.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import * as v from 'valibot'
import { BroodError, messageOf } from '../../kernel/errors.ts'
import {
  type Answers,
  type CallName,
  type Input,
  type Lines,
  type OperationName,
  operations,
  type StreamName,
} from './contract.ts'
import { maxBodyBytes, protocol, protocolHeader, timeless, versionHeader } from './protocol.ts'

export type Handlers = {
  [Name in CallName]: (input: Input<Name>) => Answers[Name] | Promise<Answers[Name]>
} & {
  /** Calls `write` for each line; the returned function ends the following, undefined that there is nothing to follow. */
  [Name in StreamName]: (input: Input<Name>, write: (line: Lines[Name]) => void) => (() => void) | undefined
}

const httpStatus: Partial<Record<BroodError['code'], number>> = {
  bad_request: 400,
  usage: 400,
  no_such_app: 404,
  app_exists: 409,
  busy: 409,
  version_mismatch: 409,
  internal: 500,
}

/** How long a client may take to finish a request or read its answer when the supervisor ends, in milliseconds. */
const farewell = 500

/** In bytes: who follows and does not read (a terminal that is held, say) is not to fill the supervisor's memory. */
const mostUnread = 1 << 20

/** The control API, not yet listening: call `server.listen` with the socket's path. */
export class ControlServer {
  readonly server: Server
  readonly #handlers: Handlers
  readonly #version: string
  readonly #unanswered = new Set<ServerResponse>()
  readonly #followers = new Set<ServerResponse>()
  #onAnswered: () => void = () => {}

  constructor(handlers: Handlers, version: string) {
    this.#handlers = handlers
    this.#version = version
    // Loaded on demand: as a static ES import it would cost 16 MB, see docs/decisions.
    this.server = process.getBuiltinModule('node:http').createServer((request, response) => {
      response.setHeader(protocolHeader, protocol)
      response.setHeader(versionHeader, version)
      this.#unanswered.add(response)
      response.once('close', () => this.#answered(response))
      this.#serve(request, response).catch((error: unknown) => refuse(response, error))
    })
  }

  /** Ends those who follow events, lets every other answer be finished; settles when the last has left. */
  end(): Promise<void> {
    this.server.close()
    this.server.closeIdleConnections()
    for (const response of this.#followers) response.end()
    return new Promise((resolve) => {
      this.#onAnswered = () => {
        if (this.#unanswered.size === 0) resolve()
      }
      this.#onAnswered()
      setTimeout(resolve, farewell)
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = /^\/v1\/([a-z]+)$/.exec(request.url ?? '')?.[1]
    if (request.method !== 'POST' || name === undefined || !isOperation(name)) {
      throw new BroodError(
        'bad_request',
        `${request.method} ${request.url} is no operation of the control API`,
      )
    }
    const theirs = request.headers[protocolHeader]
    if (!timeless.has(name) && theirs !== undefined && theirs !== `${protocol}`) {
      const client = request.headers[versionHeader]
      throw new BroodError(
        'version_mismatch',
        `this supervisor is brood ${this.#version}, the client is ${client}`,
      )
    }
    const body = await readBody(request)
    if (name === 'events' || name === 'routes') this.#stream(name, body, response)
    else await this.#answer(name, body, response)
  }

  async #answer<Name extends CallName>(name: Name, body: unknown, response: ServerResponse): Promise<void> {
    const handler = this.#handlers[name] as (input: Input<Name>) => unknown // indexed by the same name
    const text = JSON.stringify(await handler(check(name, body)))
    if (name === 'kill') this.#lastWords(response, text)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

  /**
   * The answer to `kill` is complete when this process is gone: without a length its body ends with the connection,
   * which the kernel closes as the process exits. So whoever reads it to its end knows that nothing is left.
   */
  #lastWords(response: ServerResponse, text: string): void {
    response.removeHeader('transfer-encoding')
    response.useChunkedEncodingByDefault = false
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' })
    response.write(text, () => this.#answered(response))
    response.socket?.unref()
  }

  #stream<Name extends StreamName>(name: Name, body: unknown, response: ServerResponse): void {
    // The handler may still refuse; with the first event, or when it has come back, it no longer can.
    const begin = (): void => {
      if (response.headersSent) return
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders()
    }
    const handler = this.#handlers[name] as Handlers[StreamName] // indexed by the same name
    let most = Number.POSITIVE_INFINITY
    const end = handler(check(name, body) as never, (line) => {
      begin()
      response.write(`${JSON.stringify(line)}\n`)
      if (response.writableLength > most) response.destroy()
    })
    begin()
    most = response.writableLength + mostUnread
    if (end === undefined) {
      response.end()
      return
    }
    this.#followers.add(response)
    response.once('close', () => {
      this.#followers.delete(response)
      end()
    })
  }

  #answered(response: ServerResponse): void {
    this.#unanswered.delete(response)
    this.#onAnswered()
  }
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name)
}

function check<Name extends OperationName>(name: Name, body: unknown): Input<Name> {
  // To the schema library an array is an object, too.
  if (Array.isArray(body)) throw new BroodError('bad_request', `${name}: takes a JSON object, not an array`)
  const result = v.safeParse(operations[name], body)
  if (result.success) return result.output as Input<Name> // the schema of this very operation
  const [issue] = result.issues
  const field = v.getDotPath(issue)
  // The library's own words for a key that is not in the schema speak of types.
  const problem =
    issue.type === 'strict_object' && issue.expected === 'never' ? 'is no known field' : issue.message
  throw new BroodError('bad_request', `${name}: ${field === null ? '' : `${field}: `}${problem}`)
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBodyBytes)
      throw new BroodError('bad_request', `the request body is over ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  if (length === 0) return {}
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new BroodError('bad_request', 'the request body is not JSON', { cause })
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return
  const known =
    error instanceof BroodError ? error : new BroodError('internal', messageOf(error), { cause: error })
  if (known.code === 'internal') console.error(error)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { code, message, detail } = known
  // A body that was cut off is still on its way; the connection cannot be used again.
  response.writeHead(httpStatus[code] ?? 422, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify({ error: { code, message, detail } }))
}
