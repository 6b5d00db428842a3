// Serves the control API on a unix socket: one POST per operation, every input checked before anything is done.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import * as v from 'valibot'
import { BroodError, messageOf } from '../../kernel/errors.ts'
import { type Answers, type Input, type OperationName, operations } from './contract.ts'
import { maxBodyBytes, protocol, protocolHeader, versionHeader } from './protocol.ts'

/** Answers of `events` are written one by one; everything else is one value. */
export type Handlers = {
  [Name in Exclude<OperationName, 'events'>]: (input: Input<Name>) => Answers[Name] | Promise<Answers[Name]>
} & {
  /** Calls `write` for each event; the returned function ends the following. */
  events(input: Input<'events'>, write: (event: Answers['events'][number]) => void): () => void
}

/** Operations a client of any protocol may use: to find out, and to make an end. */
const anyProtocol: ReadonlySet<string> = new Set<OperationName>(['status', 'kill'])

const httpStatus: Partial<Record<BroodError['code'], number>> = {
  bad_request: 400,
  usage: 400,
  no_such_app: 404,
  app_exists: 409,
  busy: 409,
  version_mismatch: 409,
  internal: 500,
}

export interface ControlServer {
  readonly server: Server
  /** Ends those who follow events, lets every other answer be finished; settles when the last has left. */
  end(): Promise<void>
}

export function controlServer(handlers: Handlers, version: string): ControlServer {
  // Loaded on demand: as a static ES import it would cost 16 MB, see docs/decisions.
  const { createServer } = process.getBuiltinModule('node:http')
  const followers = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    response.setHeader(protocolHeader, protocol)
    response.setHeader(versionHeader, version)
    serve(handlers, request, response, version, followers).catch((error: unknown) => refuse(response, error))
  })
  return {
    server,
    end: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        for (const response of followers) response.end()
      }),
  }
}

async function serve(
  handlers: Handlers,
  request: IncomingMessage,
  response: ServerResponse,
  version: string,
  followers: Set<ServerResponse>,
): Promise<void> {
  const name = /^\/v1\/([a-z]+)$/.exec(request.url ?? '')?.[1]
  if (request.method !== 'POST' || name === undefined || !isOperation(name)) {
    throw new BroodError('bad_request', `${request.method} ${request.url} is no operation of the control API`)
  }
  const theirs = request.headers[protocolHeader]
  if (!anyProtocol.has(name) && theirs !== undefined && theirs !== `${protocol}`) {
    const client = request.headers[versionHeader]
    throw new BroodError('version_mismatch', `this supervisor is brood ${version}, the client is ${client}`)
  }
  const body = await readBody(request)
  if (name === 'events') return streamEvents(handlers, check('events', body), response, followers)
  await answer(handlers, name, body, response)
}

async function answer<Name extends Exclude<OperationName, 'events'>>(
  handlers: Handlers,
  name: Name,
  body: unknown,
  response: ServerResponse,
): Promise<void> {
  const handler = handlers[name] as (input: Input<Name>) => unknown // indexed by the same name
  const result = await handler(check(name, body))
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
}

function streamEvents(
  handlers: Handlers,
  input: Input<'events'>,
  response: ServerResponse,
  followers: Set<ServerResponse>,
): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  const end = handlers.events(input, (event) => response.write(`${JSON.stringify(event)}\n`))
  if (input.follow) {
    followers.add(response)
    response.once('close', () => {
      followers.delete(response)
      end()
    })
  } else {
    end()
    response.end()
  }
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name)
}

function check<Name extends OperationName>(name: Name, body: unknown): Input<Name> {
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
