// The watchdog under a fake clock: it fires for silence that the worker has to answer for, and for nothing else.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { MainThread } from '../../src/process/main-thread.ts'
import { Watchdog } from '../../src/supervisor/watchdog.ts'
import { FakeClock } from '../support/fake-clock.ts'

const bounded = { timeout: 20_000 }
const limit = 10_000
const interval = limit / 4

/** A worker whose main thread is in some state, gets a share of a processor, and answers or not. */
class Watched {
  readonly clock = new FakeClock(1_000_000)
  readonly pings: number[] = []
  readonly blocked: { at: number; silent: number }[] = []
  readonly watchdog: Watchdog
  answers = true
  state: MainThread['state'] | 'unknown' = 'running'
  share = 1
  #cpu = 0
  #lookedAt = this.clock.now()

  constructor(length = limit) {
    this.watchdog = new Watchdog({
      limit: length,
      clock: this.clock,
      ping: (id) => {
        this.pings.push(id)
        if (this.answers) queueMicrotask(() => this.watchdog.pong(id))
      },
      blocked: (silent) => this.blocked.push({ at: this.clock.now() - 1_000_000, silent }),
      look: () => {
        this.#cpu += (this.clock.now() - this.#lookedAt) * this.share
        this.#lookedAt = this.clock.now()
        return this.state === 'unknown' ? undefined : { state: this.state, cpu: this.#cpu }
      },
    })
  }
}

/** One that answers its first ping only, and owes the answer to the second from the first tick on. */
async function silentWorker(): Promise<Watched> {
  const watched = new Watched()
  await watched.clock.pass(0)
  watched.answers = false
  return watched
}

suite('a worker that answers', () => {
  test('is left alone for ten minutes at 100 % of a processor', bounded, async () => {
    const watched = new Watched()
    await watched.clock.pass(600_000)
    assert.deepEqual(watched.blocked, [])
    assert.equal(watched.pings.length, 600_000 / interval + 1)
  })

  const intervals: [limit: number, interval: number][] = [
    [200, 100],
    [1000, 250],
    [30_000, 5000],
    [600_000, 5000],
  ]
  for (const [length, between] of intervals) {
    test(`within ${length} ms is asked every ${between}`, bounded, async () => {
      const watched = new Watched(length)
      await watched.clock.pass(between * 10)
      assert.equal(watched.pings.length, 11)
    })
  }

  test('is not asked any more after the close', bounded, async () => {
    const watched = new Watched()
    watched.watchdog.close()
    await watched.clock.pass(limit * 2)
    assert.equal(watched.pings.length, 1)
    assert.equal(watched.clock.waiting, 0)
  })
})

suite('a silent worker', () => {
  const states: [MainThread['state'] | 'unknown', share: number][] = [
    ['running', 1],
    ['running', 0.3],
    ['asleep', 0],
    ['unknown', 0],
  ]
  for (const [state, share] of states) {
    test(
      `is blocked at the limit if it is ${state} with ${share * 100} % of a processor`,
      bounded,
      async () => {
        const watched = await silentWorker()
        Object.assign(watched, { state, share })
        await watched.clock.pass(interval + limit)
        assert.deepEqual(watched.blocked, [{ at: interval + limit, silent: limit }])
        await watched.clock.pass(limit * 10)
        assert.equal(watched.blocked.length, 1, 'once')
        assert.equal(watched.pings.length, 2, 'one question is out at a time')
        assert.equal(watched.clock.waiting, 0)
      },
    )
  }

  test('is short of processor, not blocked, if it wants to run and gets none', bounded, async () => {
    const watched = await silentWorker()
    watched.share = 0
    await watched.clock.pass(600_000)
    assert.deepEqual(watched.blocked, [])
  })

  test('is blocked later if it gets a tenth of a processor', bounded, async () => {
    const watched = await silentWorker()
    watched.share = 0.1
    await watched.clock.pass(interval + limit * 2.4)
    assert.deepEqual(watched.blocked, [])
    await watched.clock.pass(limit / 5)
    assert.equal(watched.blocked.length, 1)
  })

  test('is let alone while it is stopped, and has all its time when it goes on', bounded, async () => {
    const watched = await silentWorker()
    await watched.clock.pass(interval + limit / 2)
    watched.state = 'stopped'
    await watched.clock.pass(600_000)
    watched.state = 'asleep'
    await watched.clock.pass(limit - interval)
    assert.deepEqual(watched.blocked, [])
    await watched.clock.pass(interval)
    assert.equal(watched.blocked.length, 1)
  })

  test('that has ended is not blocked', bounded, async () => {
    const watched = await silentWorker()
    watched.state = 'dead'
    await watched.clock.pass(limit * 10)
    assert.deepEqual(watched.blocked, [])
    assert.equal(watched.clock.waiting, 0)
  })

  for (const leap of [limit, 3_600_000]) {
    test(`is not blamed for ${leap} ms in which nobody looked`, bounded, async () => {
      const watched = await silentWorker()
      await watched.clock.pass(interval * 4.5)
      watched.clock.leap(leap)
      await watched.clock.pass(interval / 4)
      assert.deepEqual(watched.blocked, [])
      await watched.clock.pass(interval * 2)
      assert.equal(watched.blocked.length, 1, 'but for the rest')
    })
  }

  for (const by of [3_600_000, -3_600_000]) {
    test(`is blocked neither at once nor never when the clock is set by ${by} ms`, bounded, async () => {
      const watched = await silentWorker()
      await watched.clock.pass(interval * 4.5)
      watched.clock.set(by)
      await watched.clock.pass(interval)
      assert.deepEqual(watched.blocked, [])
      await watched.clock.pass(interval)
      assert.equal(watched.blocked.length, 1)
    })
  }

  test('that answers at the last moment is heard before it is judged', bounded, async () => {
    const watched = await silentWorker()
    await watched.clock.pass(interval + limit - 1)
    // The tick is due, the answer lies unread behind it: read in the turn of the loop that follows.
    watched.clock.at(watched.clock.now() + 1, () => watched.watchdog.pong(2))
    watched.answers = true
    await watched.clock.pass(limit * 10)
    assert.deepEqual(watched.blocked, [])
    assert.ok(watched.pings.length > 40)
  })
})
