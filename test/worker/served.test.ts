// Connections that are not a server's own: handed on to it while it drains, or accepted in the place of a sibling.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { closeQuietly } from '../../src/worker/quiet-close.ts'
import { ServedAddress } from '../../src/worker/served.ts'

function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port // it listens on TCP
}

/** Both ends of a TCP connection. */
async function pair(): Promise<{ near: net.Socket; far: net.Socket }> {
  const listener = net.createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const far = net.connect(portOf(listener), '127.0.0.1')
  const [near] = await once(listener, 'connection')
  listener.close()
  return { near, far }
}

test('a connection that is handed on to a worker which drains is taken, answered and waited for', {
  timeout: 10_000,
}, async (t) => {
  const server = createServer((_request, response) => response.end('still here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const held = net.connect(portOf(server), '127.0.0.1')
  t.after(() => held.destroy())
  await once(server, 'connection')

  const served = new ServedAddress('key', server, { backlog: 511 })
  let isOver = false
  let own: Promise<void> | undefined
  server.once('close', () => assert.fail('the program has not closed it'))
  const drained = served
    .drain((one) => {
      own = closeQuietly(one, net.Server.prototype.close)
      return own
    })
    .then(() => {
      isOver = true
    })
  const { near, far } = await pair()
  t.after(() => far.destroy())
  served.take(near)
  // The last of its own connections goes; the one that was handed on keeps the drain open.
  held.destroy()
  await own
  await new Promise(setImmediate) // whoever else waits for that has had its turn
  assert.equal(isOver, false)
  far.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
  const answer = await text(far)
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\nConnection: close\r\n/)
  assert.match(answer, /still here/)
  await drained
})

for (const ownPorts of [false, true]) {
  test(`a client of another slot is ${ownPorts ? 'sent back there' : 'kept'} where slots ${ownPorts ? 'have ports of their own' : 'share a port'}`, {
    timeout: 10_000,
  }, async (t) => {
    const server = createServer((_request, response) => response.end('here')).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const served = new ServedAddress('key', server, { backlog: 511, ownPorts })
    const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 })
    const { port } = bound.address()
    const socket = new net.Socket({ handle: bound, readable: false, writable: false })
    t.after(() => served.stopAdopting())
    await new Promise<void>((accepting) =>
      served.adopt(
        1,
        socket,
        () => accepting(),
        () => {},
      ),
    )
    const connectionOf = async (at: number): Promise<string | null> => {
      const client = net.connect(at, '127.0.0.1')
      t.after(() => client.destroy())
      client.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
      const [head] = await once(client, 'data')
      return /^connection: (.*)\r$/im.exec(`${head}`)?.[1] ?? null
    }
    assert.equal(await connectionOf(port), ownPorts ? 'close' : 'keep-alive')
    assert.equal(await connectionOf(portOf(server)), 'keep-alive')
  })
}

test('a queue that is accepted from for a sibling has the limits of the server, and outlives an accept that fails', {
  timeout: 10_000,
}, async (t) => {
  const server = createServer((_request, response) => response.end('here')).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  server.maxConnections = 1
  const served = new ServedAddress('key', server, { backlog: 511 })
  t.after(() => served.stopAdopting())
  const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 })
  const { port } = bound.address()
  const socket = new net.Socket({ handle: bound, readable: false, writable: false })
  const create = t.mock.method(net, 'createServer')
  const told: boolean[] = []
  await new Promise<void>((settled) =>
    served.adopt(
      1,
      socket,
      (accepting) => {
        told.push(accepting)
        settled()
      },
      () => {},
    ),
  )
  const adopter = create.mock.calls[0]?.result
  // As Node does it when there is no descriptor left.
  for (let turn = 0; turn < 2; turn++) adopter?.emit('error', new Error('accept EMFILE'))
  assert.deepEqual([told, served.adopting], [[true], [1]])
  const first = net.connect(port, '127.0.0.1')
  t.after(() => first.destroy())
  first.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
  assert.match(`${(await once(first, 'data'))[0]}`, /^HTTP\/1\.1 200 OK/)
  const dropped = once(server, 'drop')
  const second = net.connect(port, '127.0.0.1')
  second.on('error', () => {})
  await Promise.all([dropped, once(second, 'close')])
})
