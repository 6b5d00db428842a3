// A reload while idle keep-alive connections run into their timeout: just then they are about to be handed on.
import assert from 'node:assert/strict'
import net from 'node:net'
import { it } from 'node:test'
import { Brood } from '../support/brood.ts'
import { temporaryProgram } from '../support/temporary.ts'

const clients = 300

it('a connection that times out while it is handed on does no harm', { timeout: 60_000 }, async (t) => {
  const brood = Brood.create(t)
  const script = temporaryProgram(
    t,
    'times-out.mjs',
    `import http from 'node:http'
    const server = http.createServer((request, response) => response.end('hello'))
    server.keepAliveTimeout = 300
    server.keepAliveTimeoutBuffer = 0
    server.listen(Number(process.env.PORT))`,
  )
  const { port } = await brood.start(script, '-w', '2', '--name', 'app')
  const stopping = new AbortController()
  const ended = AbortSignal.any([t.signal, stopping.signal])
  let answered = 0
  const everyClientAnswered = Promise.withResolvers<void>()
  const failures: string[] = []

  /** Asks once on a new connection and lets the server's timeout close it; at most one question is ever unanswered. */
  const askAndIdle = () =>
    new Promise<void>((resolve) => {
      const socket = net.connect(port, '127.0.0.1')
      let asking = true
      socket.write('GET / HTTP/1.1\r\nHost: idle\r\n\r\n')
      socket.once('data', () => {
        asking = false
        if (++answered === clients) everyClientAnswered.resolve()
      })
      socket.on('error', () => {}) // 'close' follows
      socket.once('close', () => {
        if (asking && !ended.aborted) failures.push(`closed without an answer, after ${answered} answers`)
        ended.removeEventListener('abort', end)
        resolve()
      })
      const end = () => socket.destroy()
      ended.addEventListener('abort', end)
    })
  const asking = Promise.all(
    Array.from({ length: clients }, async () => {
      while (!ended.aborted) await askAndIdle()
    }),
  )
  await everyClientAnswered.promise
  for (let round = 0; round < 3; round++) {
    const ran = await brood.run('reload', 'app')
    assert.equal(ran.code, 0, ran.stderr)
  }
  stopping.abort()
  await asking
  const crashes = (await brood.events()).filter(
    ({ type, reason }) => type === 'worker-exited' && /Error/.test(reason ?? ''),
  )
  assert.deepEqual(crashes, [])
  assert.deepEqual(failures, [])
})
