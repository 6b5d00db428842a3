// A probe over the network says in words what is wrong, and leaves no socket behind.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net, { type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { askerOf, askOverNetwork, type NetworkProbe } from '../../src/supervisor/probe.ts'
import { WorkerQuestions } from '../../src/supervisor/worker-questions.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { freePort } from '../support/free-port.ts'

const bounded = { timeout: 20_000 }

/** A server that is closed with the test; the test fails if a connection is still open then. */
async function listening(t: TestContext, server: net.Server): Promise<number> {
  const gone: Promise<unknown>[] = []
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    gone.push(once(socket, 'close'))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(async () => {
    server.close()
    await Promise.all(gone)
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

const get = (port: number, path = '/health'): NetworkProbe => ({
  type: 'http',
  host: '127.0.0.1',
  port,
  path,
})
const connect = (port: number): NetworkProbe => ({ type: 'tcp', host: '127.0.0.1', port })

suite('a probe by HTTP', () => {
  const statuses: [number, string | undefined][] = [
    [200, undefined],
    [204, undefined],
    [302, undefined],
    [399, undefined],
    [404, 'answered 404'],
    [503, 'answered 503'],
  ]
  for (const [status, problem] of statuses) {
    test(`that is answered with ${status}: ${problem ?? 'well'}`, bounded, async (t) => {
      const seen: unknown[] = []
      const server = http.createServer((request, response) => {
        seen.push(request.method, request.url, request.headers.connection, request.headers['user-agent'])
        response.writeHead(status).end('x'.repeat(status === 204 ? 0 : 100_000))
      })
      assert.equal(await askOverNetwork(get(await listening(t, server)), 5000), problem)
      assert.deepEqual(seen, ['GET', '/health', 'close', 'brood-probe'])
    })
  }

  test('does not wait for the end of an answer that never ends', bounded, async (t) => {
    const port = await listening(
      t,
      http.createServer((_request, response) => response.write('on and on')),
    )
    assert.equal(await askOverNetwork(get(port), 5000), undefined)
  })

  const servers: [string, (socket: Socket) => void, string][] = [
    ['says nothing', () => {}, 'no answer within 50ms'],
    ['hangs up', (socket) => socket.destroy(), 'connection reset'],
    ['speaks something else', (socket) => socket.end('220 mail.example ESMTP\r\n'), 'the answer is not HTTP'],
  ]
  for (const [what, behave, problem] of servers) {
    test(`of a server that ${what}: ${problem}`, bounded, async (t) => {
      const server = net.createServer((socket) => behave(socket.resume()))
      assert.equal(
        await askOverNetwork(get(await listening(t, server)), what === 'says nothing' ? 50 : 5000),
        problem,
      )
    })
  }

  test('with a path that is none is a problem, not an exception', bounded, async (t) => {
    const port = await listening(t, http.createServer())
    assert.match((await askOverNetwork(get(port, '/a b'), 5000)) ?? '', /unescaped characters/)
  })
})

suite('a probe by TCP', () => {
  test('is well when it can connect', bounded, async (t) => {
    const port = await listening(
      t,
      net.createServer((socket) => socket.resume()),
    )
    assert.equal(await askOverNetwork(connect(port), 5000), undefined)
  })

  for (const probe of [connect, get]) {
    test(`or ${probe(1).type} where nobody listens: connection refused`, bounded, async () => {
      assert.equal(await askOverNetwork(probe(await freePort()), 5000), 'connection refused')
    })
  }
})

test('a probe can be aborted, before and after it began', bounded, async (t) => {
  const port = await listening(
    t,
    net.createServer((socket) => socket.resume()),
  )
  assert.equal(await askOverNetwork(get(port), 5000, AbortSignal.abort()), 'aborted')
  const abort = new AbortController()
  const answer = askOverNetwork(get(port), 5000, abort.signal)
  abort.abort()
  assert.equal(await answer, 'aborted')
})

test('HTTP without a port is asked of the worker itself, all else over the network', bounded, async () => {
  const clock = new FakeClock()
  const sent: unknown[] = []
  const questions = new WorkerQuestions((message) => sent.push(message), clock)
  const { signal } = new AbortController()
  const inside = askerOf({ type: 'http', host: '127.0.0.1', path: '/health' }, questions, clock)(50, signal)
  assert.deepEqual(sent, [{ type: 'probe', id: 0, path: '/health', within: 50 }])
  questions.answered({ type: 'probed', id: 0, problem: 'answered 500' })
  assert.equal(await inside, 'answered 500')
  const port = await freePort()
  for (const probe of [get(port), connect(port)]) {
    assert.equal(await askerOf(probe, questions, clock)(50, signal), 'connection refused')
  }
  assert.equal(sent.length, 1)
})
