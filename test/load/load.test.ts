/** How a load begins, is watched, and ends. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatReport, LoadClientError, startLoad } from '../support/load/index.ts'
import { seededRandom } from '../support/load/random.ts'
import { goodAnswer, RawServer } from './raw-server.ts'

const bounded = { timeout: 10_000 }

describe('the end of a load', () => {
  it('stop() lets the requests that are under way finish, and makes no new ones', bounded, async () => {
    const waiting: (() => void)[] = []
    const allAsked = Promise.withResolvers<void>()
    await using server = await RawServer.listen((socket) => {
      waiting.push(() => socket.write(goodAnswer()))
      if (waiting.length === 3) allAsked.resolve()
    })
    const load = startLoad({ port: server.port, kinds: { keepAliveBusy: 3 } })
    await allAsked.promise
    const stopped = load.stop()
    for (const answer of waiting) answer()
    const { total } = await stopped
    assert.equal(total.successes, 3)
    assert.equal(total.failures, 0)
    assert.equal(waiting.length, 3)
  })

  it('a pause ends at once', bounded, async () => {
    await using server = await RawServer.listen((socket) => socket.write(goodAnswer()))
    const pause = 60_000
    const load = startLoad({
      port: server.port,
      kinds: {
        keepAliveBusy: { clients: 1, pause },
        keepAliveIdle: { clients: 1, idleFrom: pause, idleTo: pause },
        short: { clients: 1, pause },
      },
    })
    await load.until(({ total }) => total.successes === 3)
    const { total, seconds } = await load.stop()
    assert.equal(total.successes, 3)
    assert.ok(seconds < 10)
  })

  it('the signal of the caller ends it, too', bounded, async () => {
    await using server = await RawServer.listen((socket) => socket.write(goodAnswer()))
    const controller = new AbortController()
    const load = startLoad({ port: server.port, kinds: { keepAliveBusy: 20 }, signal: controller.signal })
    await load.until(({ total }) => total.successes >= 100)
    controller.abort()
    assert.equal((await load.finished).total.failures, 0)
  })

  it('a failure of this machine is an error, not a count', bounded, async () => {
    // The system lets nobody connect by TCP to all hosts at once.
    const load = startLoad({ host: '255.255.255.255', port: 1, kinds: { short: 1 }, requestsPerClient: 1 })
    await assert.rejects(load.finished, LoadClientError)
  })
})

describe('a condition', () => {
  it('is met as soon as the counts say so', bounded, async () => {
    await using server = await RawServer.listen((socket) => socket.write(goodAnswer()))
    const load = startLoad({ port: server.port, kinds: { keepAliveBusy: 2 } })
    await load.until(({ total }) => (total.pids.get(42) ?? 0) >= 10)
    assert.ok((load.report.total.pids.get(42) ?? 0) >= 10)
    await load.stop()
  })

  it('is rejected when the load ends before', bounded, async () => {
    await using server = await RawServer.listen((socket) => socket.write(goodAnswer()))
    const load = startLoad({ port: server.port, kinds: { short: 1 }, requestsPerClient: 2 })
    await assert.rejects(
      load.until(({ total }) => total.successes > 2),
      /ended before the condition was met/,
    )
  })
})

describe('the report', () => {
  it('is a table of the kinds that were used, and names the first failures', bounded, async () => {
    await using server = await RawServer.listen((socket) => socket.end())
    const { finished } = startLoad({
      port: server.port,
      kinds: { short: 1, keepAliveBusy: 1 },
      requestsPerClient: 2,
    })
    const table = formatReport(await finished)
    assert.match(table, /^kind +successes +resets +refusals +timeouts +wrong/)
    assert.match(table, /^keepAliveBusy +0 +2 +0 +0 +0 /m)
    assert.match(table, /^short +0 +2 +0 +0 +0 /m)
    assert.match(table, /^total +0 +4 +0 +0 +0 /m)
    assert.match(table, /^\d+ ms, short, reset: closed before the answer, client port \d+$/m)
    assert.doesNotMatch(table, /upload|stream|keepAliveIdle/)
  })
})

describe('random numbers', () => {
  it('are the same for the same seed, and others for another', bounded, () => {
    const numbers = (seed: number) => Array.from({ length: 1000 }, seededRandom(seed))
    assert.deepEqual(numbers(7), numbers(7))
    assert.notDeepEqual(numbers(7), numbers(8))
    assert.ok(numbers(7).every((number) => number >= 0 && number < 1))
    const mean = numbers(7).reduce((sum, number) => sum + number) / 1000
    assert.ok(mean > 0.45 && mean < 0.55)
  })
})
