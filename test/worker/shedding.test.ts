// Which of its connections a worker gives away, in which order, and how many at a time.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { Departures } from '../../src/worker/departures.ts'
import { ServedAddress } from '../../src/worker/served.ts'
import { Shedding } from '../../src/worker/shedding.ts'

const bounded = { timeout: 20_000 }
const request = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'

interface Sent {
  readonly id: number
  readonly client: net.Socket | undefined
}

class World {
  readonly server: http.Server
  readonly served: ServedAddress
  readonly sent: Sent[] = []
  readonly departures: Departures
  readonly clients: net.Socket[] = []
  /** Whether the supervisor can be sent connections. */
  open = true
  readonly #t: TestContext
  readonly #watchers = new Set<() => void>()

  private constructor(t: TestContext, server: http.Server) {
    this.#t = t
    this.server = server
    this.served = new ServedAddress('key', server, { backlog: 511 })
    this.departures = new Departures((_key, id, socket) => {
      if (!this.open) return false
      this.sent.push({ id, client: this.clients.find(({ localPort }) => localPort === socket.remotePort) })
      for (const watcher of this.#watchers) watcher()
      return true
    })
  }

  static async create(t: TestContext, options: http.ServerOptions = {}): Promise<World> {
    const server = http.createServer({ keepAliveTimeout: 30_000, ...options }, ({ url }, response) => {
      if (url === '/') response.end('ok')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return new World(t, server)
  }

  /** A client, which has had one answer. */
  async client(): Promise<net.Socket> {
    const client = await this.unused()
    await this.ask(client)
    return client
  }

  async unused(): Promise<net.Socket> {
    const client = net.connect((this.server.address() as net.AddressInfo).port, '127.0.0.1') // it listens on TCP
    this.#t.after(() => client.destroy())
    client.on('error', () => {}) // nobody takes the other end over here, so it is reset if something was asked
    await Promise.all([once(client, 'connect'), once(this.server, 'connection')])
    this.clients.push(client)
    return client
  }

  async ask(client: net.Socket): Promise<void> {
    client.write(request)
    await once(client, 'data')
  }

  shed(count: number): { shedding: Shedding; done: Promise<number> } {
    const { promise: done, resolve } = Promise.withResolvers<number>()
    const { departures, served } = this
    return { shedding: new Shedding({ count, served: [served], departures, done: resolve }), done }
  }

  /** Settles when so many have been sent. */
  async hasSent(count: number): Promise<void> {
    while (this.sent.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#watchers.add(resolve)
      await promise
      this.#watchers.delete(resolve)
    }
  }
}

suite('a worker that is to give connections away', bounded, () => {
  test('gives as many as it is told to, the quietest first', async (t) => {
    const world = await World.create(t)
    const clients = [await world.client(), await world.client(), await world.client(), await world.client()]
    const [busy, quiet, alsoBusy, alsoQuiet] = clients
    assert.ok(busy && quiet && alsoBusy && alsoQuiet)
    const { done } = world.shed(3)
    // While it watches, two go on asking; one of them is left without an answer when it leaves.
    for (const client of [busy, alsoBusy]) {
      client.on('data', () => {
        if (world.sent.length === 0) setImmediate(() => client.write(request))
      })
      client.write(request)
    }
    await world.hasSent(3)
    assert.deepEqual(new Set(world.sent.slice(0, 2).map(({ client }) => client)), new Set([quiet, alsoQuiet]))
    for (const { id } of world.sent) world.departures.taken(id)
    assert.equal(await done, 3)
  })
  test('has few under way at a time, and answers when the last has arrived', async (t) => {
    const world = await World.create(t)
    for (let client = 0; client < 6; client++) await world.client()
    const { done } = world.shed(6)
    await world.hasSent(4)
    let isDone = false
    done.then(() => {
      isDone = true
    })
    await new Promise(setImmediate)
    assert.equal(world.sent.length, 4)
    for (const id of [0, 1, 2, 3]) world.departures.taken(id)
    await world.hasSent(6)
    await new Promise(setImmediate)
    assert.equal(isDone, false)
    world.departures.taken(4)
    world.departures.taken(5)
    assert.equal(await done, 6)
  })
  test('keeps a connection on which a request has begun before its turn', async (t) => {
    const world = await World.create(t)
    for (let client = 0; client < 5; client++) await world.client()
    const { done } = world.shed(5)
    await world.hasSent(4)
    const sent = new Set(world.sent.map(({ client }) => client))
    const last = world.clients.find((client) => !sent.has(client))
    assert.ok(last)
    last.write('GET /never HTTP/1.1\r\nHost: test\r\n\r\n')
    await once(world.server, 'request')
    for (const id of [0, 1, 2, 3]) world.departures.taken(id)
    assert.equal(await done, 4)
  })
  test('keeps a connection with a request in progress, one that was never used, and an upgraded one', async (t) => {
    const world = await World.create(t)
    world.server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
      t.after(() => socket.destroy())
    })
    const inProgress = await world.client()
    inProgress.write('GET /never HTTP/1.1\r\nHost: test\r\n\r\n')
    await once(world.server, 'request')
    await world.unused()
    const upgraded = await world.unused()
    upgraded.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
    await once(upgraded, 'data')
    const { done } = world.shed(10)
    assert.equal(await done, 0)
    assert.deepEqual(world.sent, [])
  })
  for (const [title, options] of [
    ['none', { keepAliveTimeout: 0 }],
    ['longer than a new connection may be silent', { keepAliveTimeout: 60_000, headersTimeout: 20_000 }],
  ] as const) {
    test(`keeps all where their keep-alive timeout is ${title}`, async (t) => {
      const world = await World.create(t, options)
      await world.client()
      assert.equal(await world.shed(1).done, 0)
    })
  }
  test('goes on with what could not leave', async (t) => {
    const world = await World.create(t)
    const client = await world.client()
    world.open = false
    await world.shed(1).done
    await world.ask(client)
    assert.equal(world.departures.possible, false)
    assert.equal(await world.shed(1).done, 0)
  })
  test('goes on with what is under way when its supervisor is gone', async (t) => {
    const world = await World.create(t)
    const client = await world.client()
    const { done } = world.shed(1)
    await world.hasSent(1)
    client.write(request)
    world.departures.stay()
    await once(client, 'data')
    await done
  })
  test('gives no more when it is told to drain, and counts what has left', async (t) => {
    const world = await World.create(t)
    for (let client = 0; client < 6; client++) await world.client()
    const { shedding, done } = world.shed(6)
    await world.hasSent(4)
    shedding.end()
    for (const id of [0, 1, 2, 3]) world.departures.taken(id)
    assert.equal(await done, 4)
    assert.equal(world.sent.length, 4)
  })
})
