/** Against a server that does everything right, no client of any kind reports a failure. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StartedProgram } from '../fixtures/started-program.ts'
import { formatReport, startLoad } from '../support/load/index.ts'
import { goodAnswer, RawServer } from './raw-server.ts'

const bounded = { timeout: 30_000 }

describe('a good server', () => {
  for (const name of ['http.js', 'express.js', 'fastify.js']) {
    it(`${name} fails no request of any kind`, bounded, async (test) => {
      await using program = new StartedProgram(name, { signal: test.signal })
      const { finished } = startLoad({
        port: await program.port(),
        kinds: {
          keepAliveBusy: 4,
          keepAliveIdle: { clients: 4, idleFrom: 1, idleTo: 20 },
          short: 2,
          upload: { clients: 2, pieces: 16, duration: 50 },
          stream: 2,
        },
        requestsPerClient: 3,
      })
      const report = await finished
      const table = formatReport(report)
      assert.equal(report.total.failures, 0, table)
      assert.equal(report.kinds.keepAliveBusy.successes, 12, table)
      assert.equal(report.kinds.keepAliveIdle.successes, 12, table)
      assert.equal(report.kinds.short.successes, 6, table)
      assert.equal(report.kinds.upload.successes, 6, table)
      assert.equal(report.kinds.stream.successes, 6, table)
      assert.deepEqual([...report.total.pids], [[program.pid, 42]], table)
      // One connection for each keep-alive client, one for each request of the others.
      assert.equal(report.total.connections, 4 + 4 + 6 + 2 + 2, table)
      assert.equal(report.total.connectTimes.count, report.total.connections)
      assert.equal(report.total.idleCloses, 0, table)
    })
  }

  it('may announce that it closes a connection: the client opens a new one', bounded, async () => {
    await using server = await RawServer.listen((socket, nth) => {
      if (nth < 3) socket.write(goodAnswer())
      else socket.end(goodAnswer('Connection: close\r\n'))
    })
    const { finished } = startLoad({
      port: server.port,
      kinds: { keepAliveBusy: 1, keepAliveIdle: { clients: 1, idleFrom: 1, idleTo: 2 } },
      requestsPerClient: 9,
    })
    const report = await finished
    for (const tally of [report.kinds.keepAliveBusy, report.kinds.keepAliveIdle]) {
      assert.deepEqual(
        { successes: tally.successes, failures: tally.failures, connections: tally.connections },
        { successes: 9, failures: 0, connections: 3 },
        formatReport(report),
      )
    }
  })

  it(
    'may close a connection on which nothing is asked: it is counted, but not as a failure',
    bounded,
    async () => {
      await using server = await RawServer.listen((socket) => socket.end(goodAnswer()))
      const { finished } = startLoad({
        port: server.port,
        kinds: { keepAliveIdle: { clients: 1, idleFrom: 200, idleTo: 200 } },
        requestsPerClient: 3,
      })
      const { total } = await finished
      assert.deepEqual(
        { successes: total.successes, failures: total.failures, connections: total.connections },
        { successes: 3, failures: 0, connections: 3 },
      )
      // The third connection closes with the load itself.
      assert.equal(total.idleCloses, 2)
    },
  )

  it('may answer without any length and close', bounded, async () => {
    await using server = await RawServer.listen((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'))
    const { finished } = startLoad({ port: server.port, kinds: { short: 1 }, requestsPerClient: 2 })
    assert.equal((await finished).total.successes, 2)
  })
})
