/** Each way in which a server can fail a request is counted in its own column, and in no other. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, it } from 'node:test'
import { formatReport, type LoadOptions, type LoadReport, startLoad } from '../support/load/index.ts'
import { type Answering, goodAnswer, RawServer } from './raw-server.ts'

const bounded = { timeout: 10_000 }
const requests = 3

async function loadAgainst(
  answering: Answering,
  kinds: LoadOptions['kinds'],
  answerTimeout = 5000,
): Promise<LoadReport> {
  await using server = await RawServer.listen(answering)
  return await startLoad({ port: server.port, kinds, answerTimeout, requestsPerClient: requests }).finished
}

type Counts = Partial<Record<'successes' | 'resets' | 'refusals' | 'timeouts' | 'wrong', number>>

function assertCounts(report: LoadReport, expected: Counts): void {
  const { successes, resets, refusals, timeouts, wrong } = report.total
  const none = { successes: 0, resets: 0, refusals: 0, timeouts: 0, wrong: 0 }
  assert.deepEqual(
    { successes, resets, refusals, timeouts, wrong },
    { ...none, ...expected },
    formatReport(report),
  )
}

const half = goodAnswer().slice(0, -1)
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'

describe('counted as a reset', () => {
  const cases: { name: string; answering: Answering; kinds: LoadOptions['kinds']; why: RegExp }[] = [
    {
      name: 'the connection is reset before the answer',
      answering: (socket) => socket.resetAndDestroy(),
      kinds: { short: 1 },
      why: /ECONNRESET before the answer/,
    },
    {
      name: 'the connection is closed before the answer',
      answering: (socket) => socket.end(),
      kinds: { short: 1 },
      why: /closed before the answer/,
    },
    {
      name: 'the connection is closed in the middle of the answer',
      answering: (socket) => socket.end(half),
      kinds: { keepAliveBusy: 1 },
      why: /closed with 1 bytes of the answer missing/,
    },
    {
      name: 'the connection is destroyed in the middle of the answer',
      answering: (socket) => socket.write(half, () => socket.destroy()),
      kinds: { short: 1 },
      why: /with 1 bytes of the answer missing/,
    },
    {
      name: 'a stream is cut between two chunks',
      answering: (socket) => socket.end(`${chunked}11\r\npiece 1 of 2\n    \r\n`),
      kinds: { stream: 1 },
      why: /closed before the last chunk, after 17 bytes/,
    },
    {
      name: 'the connection breaks in the middle of an upload',
      answering: (socket) => socket.resetAndDestroy(),
      kinds: { upload: { clients: 1, bytes: 100_000, pieces: 10, duration: 50 } },
      why: /(?:ECONNRESET|EPIPE) before the answer/,
    },
  ]
  for (const { name, answering, kinds, why } of cases) {
    it(name, bounded, async () => {
      const report = await loadAgainst(answering, kinds)
      assertCounts(report, { resets: requests })
      assert.match(report.examples[0] ?? '', why)
    })
  }

  it('an idle connection is closed just as the client asks', bounded, async () => {
    const report = await loadAgainst(
      (socket, nth) => (nth === 1 ? socket.write(goodAnswer()) : socket.end()),
      { keepAliveIdle: { clients: 1, idleFrom: 1, idleTo: 5 } },
    )
    assertCounts(report, { successes: 2, resets: 1 })
  })

  it('a connection is closed behind an answer that did not announce it', bounded, async () => {
    const report = await loadAgainst((socket) => socket.end(goodAnswer()), { keepAliveBusy: 1 })
    // The client asks at once, before it can know; the request after the failure goes to a new connection.
    assertCounts(report, { successes: 2, resets: 1 })
  })
})

describe('counted as a refusal', () => {
  it('nobody listens', bounded, async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    server.close()
    await once(server, 'close')
    const { finished } = startLoad({ port, kinds: { short: 2 }, requestsPerClient: requests })
    assertCounts(await finished, { refusals: 2 * requests })
  })
})

describe('counted as a timeout', () => {
  const cases: { name: string; answering: Answering; why: RegExp }[] = [
    { name: 'no answer comes', answering: () => {}, why: /gave up after 50 ms, before the answer/ },
    {
      name: 'the answer never ends',
      answering: (socket) => socket.write(half),
      why: /1 bytes of the answer missing/,
    },
  ]
  for (const { name, answering, why } of cases) {
    it(name, bounded, async () => {
      const report = await loadAgainst(answering, { short: 1 }, 50)
      assertCounts(report, { timeouts: requests })
      assert.match(report.examples[0] ?? '', why)
    })
  }
})

describe('counted as wrong', () => {
  const uploads = { upload: { clients: 1, bytes: 1000, pieces: 1 } }
  const json = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const pieces = (body: string) => `${chunked}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  const cases: { name: string; answer: string; kinds: LoadOptions['kinds']; why: RegExp }[] = [
    {
      name: 'a status other than 200',
      answer: 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n',
      kinds: { short: 1 },
      why: /status 503/,
    },
    { name: 'not HTTP', answer: 'hello?\r\n\r\n', kinds: { keepAliveBusy: 1 }, why: /not a status line/ },
    {
      name: 'two answers to one request',
      answer: goodAnswer().repeat(2),
      kinds: { short: 1 },
      why: /after the end/,
    },
    { name: 'a wrong byte count', answer: json('{"bytes":999}'), kinds: uploads, why: /999 of 1000 bytes/ },
    { name: 'no byte count', answer: json('thanks'), kinds: uploads, why: /no byte count in "thanks"/ },
    {
      name: 'a stream that lacks a piece',
      answer: pieces('piece 1 of 3\npiece 3 of 3\n'),
      kinds: { stream: 1 },
      why: /not as expected/,
    },
    {
      name: 'another content',
      answer: pieces('welcome'),
      kinds: { stream: 1 },
      why: /not a stream of pieces/,
    },
    {
      name: 'a stream without chunks',
      answer: json('piece 1 of 1\n'),
      kinds: { stream: 1 },
      why: /not come in chunks/,
    },
  ]
  for (const { name, answer, kinds, why } of cases) {
    it(name, bounded, async () => {
      const report = await loadAgainst((socket) => socket.write(answer), kinds)
      assertCounts(report, { wrong: requests })
      assert.match(report.examples[0] ?? '', why)
    })
  }

  it('bytes that come although nothing was asked', bounded, async () => {
    const report = await loadAgainst(
      (socket) => {
        socket.write(goodAnswer())
        // Late enough not to come together with the answer, and while the client is still idle.
        setTimeout(() => socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n'), 20)
      },
      { keepAliveIdle: { clients: 1, idleFrom: 300, idleTo: 300 } },
    )
    assertCounts(report, { successes: requests, wrong: requests - 1 })
    assert.match(report.examples[0] ?? '', /although nothing was asked/)
  })
})
