// Mode `tcp` over real connections: bytes, ends and breaks pass through in both directions.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { FakeClock } from '../support/fake-clock.ts'
import { freePort } from '../support/free-port.ts'
import { dial, RawServer, startProxy, upstreams, type Wire } from '../support/proxy.ts'

const bounded = { timeout: 30_000 }
const mode = { mode: 'tcp' } as const

test('each side may end alone, and still gets what the other sends', bounded, async (t) => {
  const upstream = await RawServer.start(t)
  const { port } = await startProxy(t, [upstream.port], mode)
  for (const first of ['client', 'server'] as const) {
    const client = await dial(t, port)
    const server = await upstream.connection()
    const [one, other] = first === 'client' ? [client, server] : [server, client]
    one.send('last words')
    one.socket.end()
    await other.until(/last words/)
    assert.equal(await other.ended, 'end')
    other.send('answer')
    await one.until(/answer/)
    other.socket.end()
    assert.equal(await one.ended, 'end')
  }
})

test('a break on one side is a break on the other', bounded, async (t) => {
  const upstream = await RawServer.start(t)
  const { port } = await startProxy(t, [upstream.port], mode)
  for (const breaker of ['client', 'server'] as const) {
    const client = await dial(t, port)
    const server = await upstream.connection()
    client.send('hello')
    await server.until(/hello/)
    const [one, other] = breaker === 'client' ? [client, server] : [server, client]
    one.socket.resetAndDestroy()
    assert.equal(await other.ended, 'ECONNRESET')
  }
})

test('a break after one side has ended is passed on, too', bounded, async (t) => {
  const upstream = await RawServer.start(t)
  const { port } = await startProxy(t, [upstream.port], mode)
  const client = await dial(t, port)
  const server = await upstream.connection()
  server.socket.end('all I have')
  await client.until(/all I have/)
  await client.ended
  const broken = once(client.socket, 'error')
  const closed = once(server.socket, 'close')
  server.socket.resetAndDestroy()
  await closed
  // The kernel tells of a break only those who write, and each write takes its way through the proxy.
  const writing = setInterval(() => client.send('still there?'), 5)
  t.after(() => clearInterval(writing))
  const [error] = await broken
  assert.match(error.code, /ECONNRESET|EPIPE/)
})

test(
  'closing with a limit breaks both sides, and so does silence where a limit is set',
  bounded,
  async (t) => {
    const upstream = await RawServer.start(t)
    const { port, proxy } = await startProxy(t, [upstream.port], mode)
    const client = await dial(t, port)
    const server = await upstream.connection()
    client.send('hello')
    await server.until(/hello/)
    await proxy.close(1)
    assert.deepEqual([await client.ended, await server.ended], ['ECONNRESET', 'ECONNRESET'])
    const impatient = await startProxy(t, [upstream.port], { ...mode, timeouts: { idle: 50 } })
    const silent = await dial(t, impatient.port)
    const other = await upstream.connection()
    assert.deepEqual([await silent.ended, await other.ended], ['ECONNRESET', 'ECONNRESET'])
  },
)

test(
  'what was sent before there was anybody is not lost, and goes to whoever can be reached',
  bounded,
  async (t) => {
    const upstream = await RawServer.start(t)
    const { port, warnings } = await startProxy(t, [await freePort(), upstream.port], mode)
    for (let turn = 0; turn < 4; turn++) {
      const client = await dial(t, port)
      client.send(`hello ${turn}`)
      await (await upstream.connection()).until(new RegExp(`hello ${turn}`))
    }
    assert.equal(warnings.length, 1)
  },
)

test('with nobody there the client is reset', bounded, async (t) => {
  for (const ports of [[], [await freePort()]]) {
    const { port } = await startProxy(t, ports, mode)
    const socket = net.connect(port, '127.0.0.1')
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    assert.equal(await promise, 'ECONNRESET')
  }
})

test('megabytes arrive whole in both directions, at the pace of the reader', bounded, async (t) => {
  const echo = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  t.after(() => echo.close())
  const address = echo.address()
  assert.ok(address !== null && typeof address === 'object')
  const { port } = await startProxy(t, [address.port], mode)
  const bytes = Buffer.alloc(16 * 2 ** 20)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at)
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const hash = createHash('sha256')
  await Promise.all([pipeline(socket, hash), new Promise<void>((resolve) => socket.end(bytes, resolve))])
  assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'))
})

test('TLS and HTTP/2 pass through, and each connection is balanced', bounded, async (t) => {
  const file = (name: string): Buffer =>
    readFileSync(fileURLToPath(new URL(`../fixtures/certificates/${name}.pem`, import.meta.url)))
  const [cert, key] = [file('test-only-certificate'), file('test-only-key')]
  const servers = [0, 1].map((slot) =>
    http2.createSecureServer({ cert, key }, (_request, response) => void response.end(`slot ${slot}`)),
  )
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
      t.after(() => server.close())
      const address = server.address()
      return address !== null && typeof address === 'object' ? address.port : 0
    }),
  )
  const { port } = await startProxy(t, ports, mode)
  const answers: string[] = []
  for (let turn = 0; turn < 2; turn++) {
    const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    const stream = session.request({ ':path': '/' })
    let text = ''
    for await (const piece of stream.setEncoding('utf8')) text += piece
    answers.push(text)
    await new Promise<void>((resolve) => session.close(resolve))
  }
  assert.deepEqual(answers.sort(), ['slot 0', 'slot 1'])
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  t.after(() => socket.destroy())
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve))
  assert.equal(socket.alpnProtocol, 'h2')
})

test('a change of upstreams and a drain leave open connections alone', bounded, async (t) => {
  const [old, next] = [await RawServer.start(t), await RawServer.start(t)]
  const { port, proxy, route } = await startProxy(t, [old.port], mode)
  const client = await dial(t, port)
  const server = await old.connection()
  await proxy.update([{ ...route, upstreams: upstreams(next.port) }])
  const newer = await dial(t, port)
  const nextServer = await next.connection()
  const closed = proxy.close()
  for (const [one, other] of [
    [client, server],
    [newer, nextServer],
  ] as const) {
    one.send('still here')
    await other.until(/still here/)
    one.socket.end()
    other.socket.end()
  }
  await closed
})

test('least connections counts those that are open', bounded, async (t) => {
  const servers = [await RawServer.start(t), await RawServer.start(t)]
  const ports = servers.map(({ port }) => port)
  const { port } = await startProxy(t, ports, { ...mode, algorithm: 'least-connections' })
  for (let turn = 0; turn < 10; turn++) {
    await dial(t, port)
    await servers[turn % 2]?.connection()
  }
  assert.deepEqual(
    servers.map(({ count }) => count),
    [5, 5],
  )
})

test('a server that says nothing gets its share: silence is no sign of anything', bounded, async (t) => {
  const clock = new FakeClock()
  const servers = [await RawServer.start(t), await RawServer.start(t)]
  const { port } = await startProxy(
    t,
    servers.map((one) => one.port),
    mode,
    clock,
  )
  const clients: Wire[] = []
  for (let turn = 0; turn < 3; turn++) {
    for (const server of servers) {
      const client = await dial(t, port)
      clients.push(client)
      client.send('hello')
      await (await server.connection()).until(/hello/)
      clock.leap(1000)
    }
  }
  for (const { socket } of clients) socket.destroy()
})
