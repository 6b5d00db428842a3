// A proxy in the test's own process, upstreams and clients that are written byte by byte.
import { once } from 'node:events'
import net from 'node:net'
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/kernel/clock.ts'
import { ReverseProxy } from '../../src/proxy/reverse-proxy.ts'
import type { Route, UpstreamAddress } from '../../src/proxy/route.ts'

export interface Started {
  readonly proxy: ReverseProxy
  readonly port: number
  readonly route: Route
  readonly warnings: readonly string[]
}

/** Listens on a free port of 127.0.0.1; ends with the test. */
export async function startProxy(
  t: TestContext,
  ports: readonly number[],
  more: Partial<Route> = {},
  clock?: Clock,
): Promise<Started> {
  const warnings: string[] = []
  const warn = (line: string): void => void warnings.push(line)
  const proxy = new ReverseProxy(clock === undefined ? { warn } : { warn, clock })
  t.after(() => proxy.close(0))
  const route: Route = {
    listen: { host: '127.0.0.1', port: 0 },
    mode: 'http',
    algorithm: 'round-robin',
    upstreams: upstreams(...ports),
    ...more,
  }
  await proxy.update([route])
  return { proxy, port: portOf(proxy), route, warnings }
}

export function upstreams(...ports: readonly number[]): UpstreamAddress[] {
  return ports.map((port, slot) => ({ slot, host: '127.0.0.1', port, weight: 1 }))
}

function portOf(proxy: ReverseProxy, index = 0): number {
  const address = proxy.listening[index]?.address
  if (typeof address !== 'object') throw new TypeError('the proxy listens on no port')
  return address.port
}

/** One end of a TCP connection: what came, and how it ended. */
export class Wire {
  readonly socket: net.Socket
  /** `end` when the other side ended in order, else the code of the error; settles with the end of what comes. */
  readonly ended: Promise<string>
  received = ''
  #read = 0
  readonly #changed = new Set<() => void>()
  #over: string | undefined

  constructor(socket: net.Socket) {
    this.socket = socket
    const { promise, resolve } = Promise.withResolvers<string>()
    this.ended = promise
    const over = (how: string): void => {
      this.#over ??= how
      resolve(this.#over)
      this.#change()
    }
    socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1')
      this.#change()
    })
    socket.once('end', () => over('end'))
    socket.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message))
    socket.once('close', () => over('close'))
  }

  /** The match in what came since the last one, as soon as it is there. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.received.slice(this.#read))
      if (found !== null) {
        this.#read += found.index + found[0].length
        return found
      }
      if (this.#over !== undefined)
        throw new Error(`${this.#over} before ${pattern}: ${JSON.stringify(this.received.slice(this.#read))}`)
      await new Promise<void>((resolve) => this.#changed.add(resolve))
    }
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  #change(): void {
    for (const changed of this.#changed) changed()
    this.#changed.clear()
  }
}

/** A server that does nothing by itself: its connections are taken one by one. */
export class RawServer {
  readonly server: net.Server
  /** How many have come. */
  count = 0
  readonly #come: Wire[] = []
  readonly #waiting: ((wire: Wire) => void)[] = []

  private constructor(serve?: (wire: Wire) => void) {
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => {
      this.count++
      const wire = new Wire(socket)
      if (serve !== undefined) return serve(wire)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#come.push(wire)
      else waiting(wire)
    })
  }

  /** `serve`: what becomes of each connection; without it they wait for `connection()`. */
  static async start(t: TestContext, serve?: (wire: Wire) => void): Promise<RawServer> {
    const raw = new RawServer(serve)
    const open = new Set<net.Socket>()
    raw.server.on('connection', (socket) => open.add(socket))
    raw.server.listen(0, '127.0.0.1')
    await once(raw.server, 'listening')
    t.after(() => {
      raw.server.close()
      for (const socket of open) socket.destroy()
    })
    return raw
  }

  get port(): number {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
    return address.port
  }

  connection(): Promise<Wire> {
    const come = this.#come.shift()
    if (come !== undefined) return Promise.resolve(come)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** A connection to a port of this machine, or to a path; half-open, so that it ends its own side when it wants to. */
export async function dial(t: TestContext, at: number | string): Promise<Wire> {
  const where = typeof at === 'number' ? { host: '127.0.0.1', port: at } : { path: at }
  const socket = net.connect({ ...where, allowHalfOpen: true })
  t.after(() => socket.destroy())
  const wire = new Wire(socket)
  await once(socket, 'connect')
  return wire
}

/** Answers every request on a connection, as soon as its head and the body that its `Content-Length` announces are there. */
export function answering(answer: (head: string, wire: Wire) => string | undefined): (wire: Wire) => void {
  return async (wire) => {
    try {
      for (;;) {
        const [head] = await wire.until(/[\s\S]*?\r\n\r\n/)
        const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
        const body = length === 0 ? '' : (await wire.until(new RegExp(`[\\s\\S]{${length}}`)))[0]
        const text = answer(head + body, wire)
        if (text !== undefined) wire.send(text)
      }
    } catch {
      // The connection is over.
    }
  }
}

export function ok(body: string, ...headers: string[]): string {
  const lines = ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...headers]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
