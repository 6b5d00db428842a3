// Share mode `balanced` with `ip-hash`: a client finds the same worker again with every connection, as socket.io needs it.
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { type TestContext, test } from 'node:test'
import { io, type Socket } from 'socket.io-client'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'

const bounded = { timeout: 60_000 }
/** All of this network is the own machine on Linux; elsewhere only its first address is. */
const skip = process.platform !== 'linux'
const addresses = Array.from({ length: 12 }, (_, index) => `127.0.0.${index + 2}`)

/** A socket.io client that only knows long-polling, with a new connection for each of its requests. */
function pollingClient(t: TestContext, port: number, localAddress: string): Socket {
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: ['polling'],
    reconnection: false,
    forceNew: true,
    // The types are those of its WebSockets' options; in Node it is the agent of its requests.
    agent: new Agent({ keepAlive: false, localAddress }) as never,
  })
  t.after(() => socket.disconnect())
  return socket
}

/** Who serves it; rejects when the connection is refused, or lost before that. */
function connected(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('worker', resolve)
    socket.once('connect_error', reject)
    socket.once('disconnect', (reason) => reject(new Error(reason)))
  })
}

test('socket.io with long-polling works, each client with a worker of its own', {
  ...bounded,
  skip,
}, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--balance', 'ip-hash', '-w', '3', '--name', 'chat', '--grace', '500ms']
  const { report, port } = await brood.start(program('socket-io.js'), ...flags)
  const sockets = addresses.map((address) => pollingClient(t, port, address))
  const servers = await Promise.all(sockets.map(connected))
  assert.deepEqual(new Set(servers), new Set(pidsOf(report)), 'all workers have clients')
  for (let round = 0; round < 5; round++) {
    const heard = await Promise.all(sockets.map((socket) => socket.timeout(10_000).emitWithAck('say', round)))
    assert.deepEqual(
      heard,
      servers.map((pid) => ({ text: round, pid })),
    )
  }
})

test('without it, long-polling fails: the next worker does not know the session', {
  ...bounded,
  skip,
}, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--balance', 'round-robin', '-w', '3', '--name', 'chat', '--grace', '500ms']
  const { port } = await brood.start(program('socket-io.js'), ...flags)
  const outcomes = await Promise.allSettled(
    addresses.map((address) => connected(pollingClient(t, port, address))),
  )
  assert.ok(outcomes.some(({ status }) => status === 'rejected'))
})

test('a client goes back to its slot after a reload, and to another worker while its own is gone', {
  ...bounded,
  skip,
}, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--balance', 'ip-hash', '-w', '3', '--name', 'web']
  const { port } = await brood.start(program('http.js'), ...flags)
  const slotsOf = async (): Promise<(number | undefined)[]> => {
    const { workers } = await brood.show('web')
    const answers = await Promise.all(
      addresses.map((localAddress) => get({ port, localAddress, signal: t.signal })),
    )
    return answers.map(({ pid }) => workers.find((worker) => worker.pid === pid)?.slot)
  }
  const before = await slotsOf()
  assert.deepEqual(new Set(before), new Set([0, 1, 2]))
  assert.equal((await brood.run('reload', 'web')).code, 0)
  assert.deepEqual(await slotsOf(), before)
  assert.equal((await brood.run('scale', 'web', '2')).code, 0)
  const without = await slotsOf()
  for (const [index, slot] of before.entries()) {
    if (slot === 2) assert.notEqual(without[index], 2)
    else assert.equal(without[index], slot, 'clients of the other slots stay')
  }
  assert.equal((await brood.run('scale', 'web', '3')).code, 0)
  assert.deepEqual(await slotsOf(), before)
})
