// What tests of hooks are made of: hooks that keep what failed, events, and a receiver of webhooks.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { Hook } from '../../../src/config/app-spec.ts'
import type { HookEvent, HookPlace } from '../../../src/daemon/hooks/event.ts'
import { Hooks } from '../../../src/daemon/hooks/hooks.ts'
import type { Clock } from '../../../src/kernel/clock.ts'

export function event(parts: Partial<HookEvent> = {}): HookEvent {
  return { on: 'crash', app: 'web', at: Date.UTC(2030, 0, 1), host: 'one', ...parts }
}

export function place(cwd: string): HookPlace {
  const env = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { cwd, env: Object.fromEntries(env) }
}

/** The failures so far, and the next one. */
export class Failures {
  readonly all: { hook: Hook; event: HookEvent; why: string }[] = []
  #next = Promise.withResolvers<string>()

  readonly note = (hook: Hook, failed: HookEvent, why: string): void => {
    this.all.push({ hook, event: failed, why })
    this.#next.resolve(why)
    this.#next = Promise.withResolvers<string>()
  }

  next(): Promise<string> {
    return this.#next.promise
  }
}

/** Closed at the end of `t`, or by the caller. */
export function hooksFor(
  t: TestContext | undefined,
  clock: Clock,
  steady: Clock = clock,
): { hooks: Hooks; failures: Failures } {
  const failures = new Failures()
  const hooks = new Hooks({ version: '9.9', clock, steady, random: () => 0.5, onFailed: failures.note })
  t?.after(() => hooks.close(0))
  return { hooks, failures }
}

interface Got {
  readonly body: Record<string, unknown>
  readonly headers: IncomingHttpHeaders
  readonly method: string | undefined
  readonly url: string | undefined
  readonly response: ServerResponse
}

/** A web server whose requests the test takes one by one and answers itself. */
export class Receiver {
  readonly url: string
  readonly #got: Got[] = []
  readonly #takers: ((got: Got) => void)[] = []

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/hook?token=secret`
  }

  static async open(t: TestContext): Promise<Receiver> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo // it listens on TCP
    const receiver = new Receiver(port)
    server.on('request', async (request, response) => {
      const body: Record<string, unknown> = JSON.parse(await text(request))
      const { headers, method, url } = request
      receiver.#take({ body, headers, method, url, response })
    })
    return receiver
  }

  /** The next request, not yet answered. */
  next(): Promise<Got> {
    const got = this.#got.shift()
    if (got !== undefined) return Promise.resolve(got)
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  /** Requests that nobody has taken. */
  get unread(): number {
    return this.#got.length
  }

  #take(got: Got): void {
    const taker = this.#takers.shift()
    if (taker === undefined) this.#got.push(got)
    else taker(got)
  }
}
