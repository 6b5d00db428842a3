// Somebody who is told by hooks: a web server, and files that commands write.
import { once } from 'node:events'
import { readFileSync, watch } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './temporary.ts'

interface Told {
  readonly id: string
  readonly on: string
  readonly app: string
  readonly slot?: number
  readonly pid?: number
  readonly reason?: string
  readonly at: string
  readonly host: string
}

export interface Posted {
  readonly method: string | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: Told
}

/** Takes POSTs; ends with the test. */
export class HookReceiver {
  readonly posted: Posted[] = []
  readonly url: string
  readonly #waiting = new Set<() => void>()

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/hook`
  }

  /** Answers with that status. */
  static async create(t: TestContext, status = 200): Promise<HookReceiver> {
    const server = http.createServer(async (request, response) => {
      const body = (await json(request)) as Told // the test looks at what it is
      response.statusCode = status
      response.end()
      receiver.posted.push({ method: request.method, headers: request.headers, body })
      for (const wake of receiver.#waiting) wake()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    const address = server.address()
    const receiver = new HookReceiver(typeof address === 'object' ? (address?.port ?? 0) : 0)
    return receiver
  }

  /** The first that is about that event, come or to come. */
  async about(on: string): Promise<Posted> {
    for (;;) {
      const found = this.posted.find(({ body }) => body.on === on)
      if (found !== undefined) return found
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await promise
      this.#waiting.delete(resolve)
    }
  }
}

/** What a hook's command has written, line for line. */
export class HookFile {
  readonly path: string
  readonly #folder: string

  constructor(t: TestContext) {
    this.#folder = temporaryFolder(t)
    this.path = join(this.#folder, 'told')
  }

  get lines(): string[] {
    try {
      return readFileSync(this.path, 'utf8').split('\n').slice(0, -1)
    } catch {
      return []
    }
  }

  /** Settles when there is a line that fits. */
  async line(fits: RegExp): Promise<string> {
    const changes = watch(this.#folder)
    try {
      for (;;) {
        const change = once(changes, 'change')
        const found = this.lines.find((line) => fits.test(line))
        if (found !== undefined) return found
        await change
      }
    } finally {
      changes.close()
    }
  }
}
