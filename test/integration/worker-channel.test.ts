// Guarantee 8, between worker and supervisor: a program that writes to brood's own descriptors harms nobody but itself.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Brood, pidsOf } from '../support/brood.ts'

const timeout = 30_000
const wrongWords = fileURLToPath(new URL('../fixtures/misbehaving/wrong-words.js', import.meta.url))

const wrongFrames: [what: string, path: string, reason: RegExp][] = [
  ['random bytes on the control channel', '/random', /a frame says it is \d+ bytes long/],
  ['a frame that is too long', '/oversize', /a frame says it is 2147483647 bytes long; 1 to \d+ are allowed/],
  ['a frame without any content', '/empty', /a frame says it is 0 bytes long/],
  ['an HTTP request', '/http', /a frame says it is \d+ bytes long/],
  ['a frame that is not JSON', '/not-json', /not JSON/],
  ['a message of unknown type', '/unknown-type', /unknown message: \{"type":"nonsense"\}/],
  ['a message with a field of the wrong type', '/wrong-field', /unknown message: /],
  ["a line on Node's IPC that is not JSON", '/ipc-not-json', /IPC: .*not json/],
  ["a forged acknowledgement on Node's IPC", '/ipc-forged-ack', /IPC: /],
]

for (const [what, path, reason] of wrongFrames) {
  test(`a worker that writes ${what} is replaced, and the event tells why; nobody else is`, {
    timeout,
  }, async (t) => {
    const { brood, port, pids, unharmed } = await underWatch(t)
    const pid = await ask(port, path)
    const exit = await brood.event(({ type, pid: whose }) => type === 'worker-exited' && whose === pid)
    assert.match(exit.reason ?? '', reason)
    await brood.event(
      ({ type, slot, pid: whose }) => type === 'worker-ready' && slot === exit.slot && whose !== pid,
    )
    await unharmed(pids.filter((one) => one !== pid))
    assert.equal(pidsOf((await brood.list())[0]).length, 2)
  })
}

test("forged messages of brood's own kind on Node's IPC change nothing", { timeout }, async (t) => {
  const { port, pids, unharmed } = await underWatch(t)
  for (let round = 0; round < 20; round++) await ask(port, '/forge')
  await unharmed(pids)
})

const passed: [what: string, message: unknown][] = [
  ["a message of the program's own", { take: 'this' }],
  ['no message at all to speak of', null],
  ['a hand-on to an address nobody serves', { brood: { type: 'connection', key: 'nowhere', id: 0 } }],
  ['a hand-on with odd fields', { brood: { type: 'connection', key: 5, id: -1 } }],
  ["the supervisor's own kind of message", { brood: { type: 'adopt', key: '*:0#0', slot: 0 } }],
  ['an unknown purpose', { brood: { type: 'nonsense' } }],
]

for (const [what, message] of passed) {
  test(`a connection that a worker passes on with ${what} is closed, not kept`, { timeout }, async (t) => {
    const { port, pids, unharmed } = await underWatch(t)
    const query = `message=${encodeURIComponent(JSON.stringify(message))}`
    const connections = await Promise.all(Array.from({ length: 10 }, () => connected(t, port)))
    const closed = connections.map((socket) => once(socket, 'close'))
    for (const socket of connections)
      socket.write(`GET /pass-connection?${query} HTTP/1.1\r\nhost: x\r\n\r\n`)
    await Promise.all(closed)
    await unharmed(pids)
  })
}

test('a listening server that a worker passes on is not served by the supervisor', { timeout }, async (t) => {
  const { port, pids, unharmed } = await underWatch(t)
  for (let round = 0; round < 3; round++) await ask(port, '/pass-server')
  await unharmed(pids)
})

test('an exception with nothing of an exception in it ends only a program that would end anyway', {
  timeout,
}, async (t) => {
  const { brood, port, pids } = await underWatch(t)
  const pid = await ask(port, '/throw')
  const exit = await brood.event(({ type, pid: whose }) => type === 'worker-exited' && whose === pid)
  assert.match(exit.reason ?? '', /^exited with code 1: .*x{20}/, 'the exit code of an uncaught exception')
  assert.ok((exit.reason ?? '').length < 10_000, 'not all of its two megabytes')
  assert.ok(pidsOf((await brood.list())[0]).some((one) => pids.includes(one)))
})

test('a program that catches its uncaught exceptions lives on, whatever was thrown', {
  timeout,
}, async (t) => {
  const { port, pids, unharmed } = await underWatch(t, '--env', 'SURVIVES=yes')
  for (let round = 0; round < 10; round++) await ask(port, '/throw')
  await unharmed(pids)
})

interface Watch {
  readonly brood: Brood
  readonly port: number
  readonly pids: readonly number[]
  /** Fails if the supervisor or one of these workers is not what it was. */
  unharmed(pids: readonly number[]): Promise<void>
}

async function underWatch(t: TestContext, ...flags: string[]): Promise<Watch> {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(
    wrongWords,
    '--name',
    'web',
    '-w',
    '2',
    '--env',
    'PORT=0',
    ...flags,
  )
  const before = await brood.json<{ pid: number }>('show')
  return {
    brood,
    port,
    pids: pidsOf(report),
    async unharmed(pids) {
      const [app] = await brood.list()
      assert.deepEqual(
        pids.filter((pid) => !pidsOf(app).includes(pid)),
        [],
        'workers that are gone',
      )
      const after = await brood.json<{ pid: number }>('show')
      assert.equal(after.pid, before.pid, 'the same supervisor')
      await ask(port, '/')
    },
  }
}

/** The pid that answered, on a connection of its own. */
async function ask(port: number, path: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
  const body: unknown = await answer.json()
  assert.ok(typeof body === 'object' && body !== null && 'pid' in body && typeof body.pid === 'number')
  return body.pid
}

async function connected(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  return socket
}
