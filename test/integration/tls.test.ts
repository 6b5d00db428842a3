// Kept TLS connections in a reload: they cannot move to another process, so the old worker answers once more and says goodbye.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { askAgain } from '../support/ask-again.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'

const bounded = { timeout: 60_000 }
const ca = readFileSync(new URL('../fixtures/certificates/test-only-certificate.pem', import.meta.url))

async function open(port: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: 'localhost', port, ca })
  await once(socket, 'secureConnect')
  return socket
}

test('requests on kept connections are answered by the draining worker, which announces their end', {
  ...bounded,
}, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('tls.js'), '--name', 'web')
  const [old] = pidsOf(report)
  const sockets = await Promise.all(Array.from({ length: 10 }, () => open(port)))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  // On every other one nothing has been asked yet.
  const asked = sockets.filter((_, index) => index % 2 === 0)
  for (const answer of await Promise.all(asked.map((socket) => askAgain(socket)))) {
    assert.deepEqual(answer, { pid: old, closes: false })
  }
  // Rejects for a connection that is reset.
  const closed = Promise.all(sockets.map((socket) => once(socket, 'close')))
  const reloaded = brood.run('reload', 'web')
  assert.equal(await brood.waitForWorker('web', 'draining'), old)
  for (const answer of await Promise.all(sockets.map((socket) => askAgain(socket)))) {
    assert.deepEqual(answer, { pid: old, closes: true })
  }
  await closed
  const ran = await reloaded
  assert.equal(ran.code, 0, ran.stderr)
  const fresh = await open(port)
  t.after(() => fresh.destroy())
  assert.deepEqual(pidsOf((await brood.list())[0]), [(await askAgain(fresh)).pid])
})

for (const name of ['tls.js', 'http2-secure.js'])
  test(
    `${name}: clients that ask on and on over kept connections see no failure in two reloads`,
    bounded,
    (t) => reloadTwice(t, name),
  )

test('a server of HTTP/2 over TLS is stopped without an error', bounded, async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(program('http2-secure.js'), '--name', 'web')
  const idle = await open(port)
  t.after(() => idle.destroy())
  assert.equal((await askAgain(idle)).closes, false)
  const closed = once(idle, 'close')
  const ran = await brood.run('stop', 'web')
  assert.equal(ran.code, 0, ran.stderr)
  await closed
  assert.doesNotMatch((await brood.run('logs', 'web')).stdout, /Error/)
})

async function reloadTwice(t: TestContext, name: string): Promise<void> {
  const brood = Brood.create(t)
  const { port } = await brood.start(program(name), '-w', '2', '--name', 'web')
  const stopping = new AbortController()
  const ended = AbortSignal.any([t.signal, stopping.signal])
  const answerers = new Set<number>()
  const clients = Promise.all(Array.from({ length: 6 }, () => askOn(t, port, ended, answerers)))
  clients.catch(() => {}) // told where it is awaited
  const workers = new Set<number>()
  try {
    for (let round = 0; round < 2; round++) {
      const ran = await brood.run('reload', 'web')
      assert.equal(ran.code, 0, ran.stderr)
      for (const pid of pidsOf((await brood.list())[0])) workers.add(pid)
    }
  } finally {
    stopping.abort()
    await clients
  }
  assert.equal(workers.size, 4)
  assert.ok(
    [...workers].some((pid) => answerers.has(pid)),
    `${[...answerers]} answered, none of the new workers ${[...workers]}`,
  )
}

/** One client after another connection, each kept until an answer announces its end. */
async function askOn(
  t: TestContext,
  port: number,
  ended: AbortSignal,
  answerers: Set<number>,
): Promise<void> {
  while (!ended.aborted) {
    const socket = await open(port)
    t.after(() => socket.destroy())
    for (let closes = false; !closes && !ended.aborted; ) {
      const answer = await askAgain(socket)
      answerers.add(answer.pid)
      closes = answer.closes
    }
    socket.destroy()
  }
}
