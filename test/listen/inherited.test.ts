// Sockets from the service manager, with real ones: passed as systemd passes them, taken over, handed to a child.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { InheritedSockets } from '../../src/listen/inherited/inherited-sockets.ts'
import { type InheritedSocket, takeInheritedSockets } from '../../src/listen/inherited/take-inherited.ts'
import type { ListenAddress } from '../../src/wire/messages.ts'
import { temporaryFolder } from '../support/temporary.ts'

const timeout = 20_000
const script = new URL('../fixtures/takes-inherited.ts', import.meta.url).pathname

interface Taken {
  readonly addresses: ListenAddress[]
  readonly notices: string[]
  readonly left: string[]
}

async function listening(t: TestContext, where: object): Promise<Server> {
  const server = createServer().listen(where)
  t.after(() => server.close())
  await once(server, 'listening')
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

/** Node passes servers on only over IPC; the number is known to their handle alone. */
function descriptorOf(server: Server): number {
  const handle: unknown = '_handle' in server ? server._handle : undefined
  assert.ok(typeof handle === 'object' && handle !== null && 'fd' in handle && typeof handle.fd === 'number')
  return handle.fd
}

/** Starts a program as systemd does, with these as descriptors 3 and up; it takes them, and gives the first to a child that answers. */
async function taken(
  stdio: (Server | Socket | 'pipe' | 'ignore')[],
  variables: string,
  ...ask: string[]
): Promise<Taken> {
  const line = `LISTEN_PID=${variables} exec "$0" "$@"`
  const child = spawn('/bin/sh', ['-c', line, process.execPath, script, ...ask], {
    stdio: [
      'ignore',
      'pipe',
      'inherit',
      ...stdio.map((one) => (one instanceof Server ? descriptorOf(one) : one)),
    ],
  })
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  await once(child, 'close')
  return JSON.parse(text)
}

test('TCP and unix sockets are told apart, with the address that a program would ask for', {
  timeout,
}, async (t) => {
  const path = join(temporaryFolder(t), 'a b.sock')
  const servers = [
    await listening(t, { host: '127.0.0.1', port: 0 }),
    await listening(t, { host: '::', port: 0 }),
    await listening(t, { path }),
  ]
  const [v4, all] = servers.slice(0, 2).map(portOf)
  const { addresses, notices, left } = await taken(servers, '$$ LISTEN_FDS=3 LISTEN_FDNAMES=a:b:c')
  assert.deepEqual(addresses, [
    { kind: 'tcp', host: '127.0.0.1', port: v4, ipv6Only: false, ordinal: 0 },
    { kind: 'tcp', port: all, ipv6Only: false, ordinal: 0 },
    { kind: 'unix', path },
  ])
  assert.deepEqual([notices, left], [[], []])
})

test('a socket that was taken over can be handed to a child, which answers on it', { timeout }, async (t) => {
  const server = await listening(t, { host: '127.0.0.1', port: 0 })
  const port = portOf(server)
  // From here on only those it was passed to can answer.
  const done = taken([server], '$$ LISTEN_FDS=1', 'answer')
  server.close()
  const client = connect(port, '127.0.0.1')
  const [answer] = await once(client.setEncoding('utf8'), 'data')
  assert.equal(answer, 'from the child')
  client.destroy()
  await done
})

test('sockets meant for another process, or none, are left alone, but their variables go', {
  timeout,
}, async (t) => {
  const server = await listening(t, { host: '127.0.0.1', port: 0 })
  for (const variables of ['1 LISTEN_FDS=1', '$$ LISTEN_FDS=x', '$$'])
    assert.deepEqual(await taken([server], variables), { addresses: [], notices: [], left: [] })
})

test('what is no listening socket is told with its name, the others are taken', { timeout }, async (t) => {
  const server = await listening(t, { host: '127.0.0.1', port: 0 })
  const accepted = once(server, 'connection')
  const client = connect(portOf(server), '127.0.0.1')
  const [connection] = await accepted
  t.after(() => {
    client.destroy()
    connection.destroy()
  })
  const { addresses, notices } = await taken(
    ['pipe', connection, 'ignore', server],
    '$$ LISTEN_FDS=4 LISTEN_FDNAMES=p:c:n:s',
  )
  assert.equal(addresses.length, 1)
  assert.equal(notices.length, 3)
  assert.match(notices[0] ?? '', /^descriptor 3 \(p\)/)
  assert.match(notices[1] ?? '', /^descriptor 4 \(c\) .*Accept=yes/)
  assert.match(notices[2] ?? '', /^descriptor 5 \(n\) .*no socket/)
})

test('several sockets of one address are slots in turn; all of them stay when the app lets go', () => {
  const address: ListenAddress = { kind: 'tcp', host: undefined, port: 80, ipv6Only: false, ordinal: 0 }
  const [one, two] = [{}, {}]
  // Only their identity matters here.
  const inherited = [one, two].map((socket) => ({ address, socket }) as unknown as InheritedSocket)
  const sockets = new InheritedSockets(inherited).open(address)
  assert.ok(sockets)
  assert.deepEqual([sockets.key, sockets.label, sockets.port, sockets.queues], ['*:80', '*:80', 80, 2])
  assert.deepEqual(
    [0, 1, 2, 3].map((slot) => (Object.is(sockets.socketOf(slot), one) ? 'one' : 'two')),
    ['one', 'two', 'one', 'two'],
  )
  sockets.close()
})

test('a program that names no host gets 0.0.0.0, one that names another gets nothing', () => {
  const address: ListenAddress = { kind: 'tcp', host: '0.0.0.0', port: 80, ipv6Only: false, ordinal: 0 }
  const sockets = new InheritedSockets([{ address, socket: {} } as unknown as InheritedSocket]) // never used
  assert.equal(sockets.open({ ...address, host: undefined })?.key, '*:80')
  assert.equal(sockets.open({ ...address, host: '127.0.0.1' }), undefined)
  assert.equal(sockets.open({ ...address, port: 81 }), undefined)
  assert.equal(sockets.open({ kind: 'unix', path: '/x' }), undefined)
})

test('the variables are gone even if they are not for us', () => {
  const env = { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'x', PATH: '/bin' }
  assert.deepEqual(takeInheritedSockets(env, 2, assert.fail), [])
  assert.deepEqual(env, { PATH: '/bin' })
})
