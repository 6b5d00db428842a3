// Speaks to a supervisor over its control socket; every failure becomes a BroodError that says what to do.
import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { BroodError, type ErrorCode, errorCodes, messageOf, systemCode } from '../../kernel/errors.ts'
import type { Answers, CallName, Input, Lines, OperationName, StreamName } from './contract.ts'
import { protocol, protocolHeader, timeless, versionHeader } from './protocol.ts'

export class ControlClient {
  readonly #socketPath: string
  readonly #version: string

  readonly #awaitSupervisor: () => Promise<boolean>

  /** `awaitSupervisor` is called when nobody listens; true when somebody does now. */
  constructor(
    socketPath: string,
    version: string,
    awaitSupervisor: () => Promise<boolean> = () => Promise.resolve(false),
  ) {
    this.#socketPath = socketPath
    this.#version = version
    this.#awaitSupervisor = awaitSupervisor
  }

  /** Performs one operation. Throws `no_supervisor` when nobody listens. */
  async call<Name extends CallName>(name: Name, input: Input<Name>): Promise<Answers[Name]> {
    const response = await this.#post(name, input)
    const value = parse(await text(response))
    if (response.statusCode === 200) return value as Answers[Name] // the supervisor speaks the same protocol
    throw asError(value, response.statusCode)
  }

  /** The history, event by event; with `follow` until the supervisor ends or the loop is left. */
  events(input: Input<'events'>): AsyncGenerator<Lines['events']> {
    return this.#stream('events', input)
  }

  /** What a proxy is to do, whenever that changes, until the supervisor ends or the loop is left. */
  routes(input: Input<'routes'>): AsyncGenerator<Lines['routes']> {
    return this.#stream('routes', input)
  }

  async *#stream<Name extends StreamName>(name: Name, input: Input<Name>): AsyncGenerator<Lines[Name]> {
    const response = await this.#post(name, input)
    if (response.statusCode !== 200) throw asError(parse(await text(response)), response.statusCode)
    try {
      for await (const line of createInterface({ input: response })) yield JSON.parse(line)
    } finally {
      response.destroy()
    }
  }

  /** Between two supervisors nobody listens for a moment. */
  async #post(name: OperationName, input: unknown): Promise<IncomingMessage> {
    try {
      return await this.#postOnce(name, input)
    } catch (error) {
      const isGone = error instanceof BroodError && error.code === 'no_supervisor'
      if (!isGone || !(await this.#awaitSupervisor())) throw error
      return this.#postOnce(name, input)
    }
  }

  #postOnce(name: OperationName, input: unknown): Promise<IncomingMessage> {
    const { request } = process.getBuiltinModule('node:http')
    const headers = {
      'content-type': 'application/json',
      [protocolHeader]: protocol,
      [versionHeader]: this.#version,
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath: this.#socketPath, path: `/v1/${name}`, method: 'POST', headers, agent: false },
        (response) => {
          const mismatch = this.#mismatch(response, name)
          if (mismatch === undefined) resolve(response)
          else {
            response.destroy()
            reject(mismatch)
          }
        },
      )
      outgoing.on('error', (error) => reject(this.#unreachable(error)))
      outgoing.end(JSON.stringify(input))
    })
  }

  #mismatch(response: IncomingMessage, name: OperationName): BroodError | undefined {
    const theirs = response.headers[protocolHeader]
    if (theirs === undefined) {
      return new BroodError(
        'supervisor_unreachable',
        `what listens on ${this.#socketPath} is no brood supervisor`,
      )
    }
    if (theirs === `${protocol}` || timeless.has(name)) return undefined
    const version = response.headers[versionHeader]
    return new BroodError(
      'version_mismatch',
      `the running supervisor is brood ${version}, this command is ${this.#version}: ` +
        `'brood upgrade' replaces it and leaves the workers alone; 'brood kill' ends everything`,
    )
  }

  #unreachable(error: Error): BroodError {
    switch (systemCode(error)) {
      case 'ENOENT':
      case 'ECONNREFUSED':
        return new BroodError(
          'no_supervisor',
          'no supervisor is running: start an app with `brood start <script>`',
          {
            cause: error,
          },
        )
      case 'ENOTDIR':
        return new BroodError(
          'home_unusable',
          `${this.#socketPath} cannot be: BROOD_HOME is not a directory`,
          {
            cause: error,
          },
        )
      case 'EACCES':
        return new BroodError(
          'home_unusable',
          `no right to use ${this.#socketPath}: it belongs to another user`,
          {
            cause: error,
          },
        )
      default:
        return new BroodError(
          'supervisor_unreachable',
          `the supervisor at ${this.#socketPath} ended the conversation (${messageOf(error)})`,
          { cause: error },
        )
    }
  }
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BroodError(
      'supervisor_unreachable',
      'the supervisor answered with something that is not JSON',
      { cause },
    )
  }
}

function asError(value: unknown, status: number | undefined): BroodError {
  const error = (value as { error?: { code?: unknown; message?: unknown; detail?: unknown } } | null)?.error
  const code =
    typeof error?.code === 'string' && Object.hasOwn(errorCodes, error.code) ? error.code : 'internal'
  const message =
    typeof error?.message === 'string' ? error.message : `the supervisor answered with status ${status}`
  const detail = Array.isArray(error?.detail) ? error.detail.map(String) : []
  return new BroodError(code as ErrorCode, message, { detail }) // `hasOwn` has just checked it
}
