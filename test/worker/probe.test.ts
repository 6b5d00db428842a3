// A probe inside the process is answered by the program's own server, whatever kind it is, and costs the program nothing.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { suite, test } from 'node:test'
import express from 'express'
import fastify from 'fastify'
import { probeProgram } from '../../src/worker/probe.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 20_000 }
const within = 5000

const certificates = new URL('../fixtures/certificates/', import.meta.url)
const tls = {
  key: readFileSync(new URL('test-only-key.pem', certificates)),
  cert: readFileSync(new URL('test-only-certificate.pem', certificates)),
}

/** Well at /well, unwell at /unwell, and does with its socket what programs do. */
function answer(
  request: IncomingMessage | http2.Http2ServerRequest,
  response: ServerResponse | http2.Http2ServerResponse,
): void {
  if (request.httpVersion === '1.1') {
    request.socket.setTimeout(1000).setNoDelay(true).setKeepAlive(true).unref().ref()
    assert.equal(typeof request.socket.address(), 'object')
    assert.equal(request.socket.remoteAddress, '127.0.0.1')
    assert.equal(request.headers.host, 'localhost')
  }
  assert.equal(request.headers['user-agent'], 'brood-probe')
  response.statusCode = request.url === '/well?a=b%20c' ? 200 : 503
  response.end('x'.repeat(200_000))
}

const servers: [string, () => net.Server | Promise<net.Server>][] = [
  ['node:http', () => http.createServer(answer as http.RequestListener)],
  ['node:https', () => https.createServer(tls, answer as http.RequestListener)],
  [
    'node:https that wants certificates of its clients',
    () =>
      https.createServer(
        { ...tls, requestCert: true, rejectUnauthorized: true },
        answer as http.RequestListener,
      ),
  ],
  ['node:http2 in clear text', () => http2.createServer(answer)],
  ['node:http2 with TLS', () => http2.createSecureServer(tls, answer)],
  ['node:http2 with HTTP/1', () => http2.createSecureServer({ ...tls, allowHTTP1: true }, answer)],
  [
    'Express',
    () => {
      const app = express()
      app.get('/well', (request, response) => response.send(`to ${request.ip}`))
      app.get('/unwell', (_request, response) => response.sendStatus(503))
      return http.createServer(app)
    },
  ],
  [
    'Fastify',
    async () => {
      const app = fastify()
      app.get('/well', (request) => ({ ip: request.ip }))
      app.get('/unwell', (_request, reply) => reply.code(503).send())
      await app.ready()
      return app.server
    },
  ],
]

for (const [name, create] of servers) {
  test(`${name} is asked inside the process`, bounded, async () => {
    const server = await create()
    assert.equal(await probeProgram([server], '/well?a=b c', within), undefined)
    assert.equal(await probeProgram([server], '/unwell', within), 'answered 503')
    assert.ok(!server.listening, 'without a port')
  })
}

suite('what is wrong is said in words', () => {
  const problems: [what: string, create: () => net.Server, problem: string][] = [
    [
      'a server that hangs up',
      () => http.createServer(({ socket }) => socket.destroy()),
      'closed without an answer',
    ],
    ['a server that never answers', () => http.createServer(() => {}), 'no answer within 50 ms'],
    ['an HTTP/2 server that never answers', () => http2.createServer(() => {}), 'no answer within 50 ms'],
    [
      'a TCP server',
      () => net.createServer(),
      'its server does not speak HTTP: give the probe a port, or type tcp',
    ],
  ]
  for (const [what, create, problem] of problems) {
    test(`of ${what}: ${problem}`, bounded, async () => {
      assert.equal(
        await probeProgram([create()], '/', problem.startsWith('no answer') ? 50 : within),
        problem,
      )
    })
  }
})

test('the program sees a client that takes all of its answer, and then goes', bounded, async () => {
  const finished = Promise.withResolvers<boolean>()
  const server = http.createServer((_request, response) => {
    response.once('close', () => finished.resolve(response.writableFinished))
    response.end('x'.repeat(1_000_000))
  })
  assert.equal(await probeProgram([server], '/', within), undefined)
  assert.equal(await finished.promise, true)
})

test('an answer that never ends is cut when the time is over', bounded, async () => {
  const closed = Promise.withResolvers<void>()
  const server = http.createServer((_request, response) => {
    response.once('close', () => closed.resolve())
    response.write('on and on')
  })
  assert.equal(await probeProgram([server], '/', 50), undefined)
  await closed.promise
})

test('a probe that nobody answers does not keep the program alive', bounded, async (t) => {
  const probe = new URL('../../src/worker/probe.ts', import.meta.url)
  const path = temporaryProgram(
    t,
    'probed.mjs',
    `import http from 'node:http'
    import { probeProgram } from '${probe.href}'
    probeProgram([http.createServer(() => {})], '/', 3_600_000)`,
  )
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'ignore', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('of several servers the first is asked that speaks HTTP', bounded, async () => {
  const [first, second] = [200, 500].map((status) =>
    http.createServer((_request, response) => response.writeHead(status).end()),
  )
  assert.ok(first && second)
  assert.equal(await probeProgram([net.createServer(), first, second], '/', within), undefined)
  assert.equal(await probeProgram([], '/', within), 'its server does not listen yet')
})

test('an exception in the program’s own listener is the probe’s problem, in few words', bounded, async () => {
  const server = http.createServer().prependListener('connection', () => {
    throw new Error('x'.repeat(5000))
  })
  assert.equal(await probeProgram([server], '/', within), 'x'.repeat(200))
})
