// How many connections a process has taken is seen by its sockets, whoever the program is.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connectionsBetween, socketsOf } from '../../../src/cli/bench/connections.ts'

test('each socket more is one connection more', { timeout: 10_000 }, async (t) => {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port
  const sockets: net.Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const before = socketsOf([process.pid])
  for (const connections of [1, 2, 3]) {
    const arrived = once(server, 'connection')
    sockets.push(net.connect(port, '127.0.0.1'))
    sockets.push(...(await arrived))
    // Both ends are here.
    assert.deepEqual(connectionsBetween(before, socketsOf([process.pid])), [2 * connections])
  }
})

test('of processes that are gone or closed nothing is known', () => {
  assert.equal(socketsOf([process.pid, 2 ** 22 + 1]), undefined)
  assert.deepEqual(connectionsBetween(undefined, [1]), [])
  assert.deepEqual(connectionsBetween([1], undefined), [])
  assert.deepEqual(connectionsBetween([3, 3], [2, 4]), [0, 1])
})
