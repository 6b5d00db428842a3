// Acting at the times of a cron pattern: the right times, once each, whatever the clock does.
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { everyCron } from '../../src/daemon/cron.ts'
import { HandClock } from '../support/hand-clock.ts'

// Has daylight saving: in 2030 the hour after 2:00 is skipped on 31 March and repeated on 27 October.
process.env.TZ = 'Europe/Berlin'

const hour = 3_600_000
const minute = 60_000

class Scheduled {
  readonly clock: HandClock
  readonly acts: string[] = []
  readonly next: () => number | undefined
  readonly close: () => void

  constructor(t: TestContext, pattern: string, from: string) {
    this.clock = new HandClock(Date.parse(from))
    const { next, close } = everyCron(pattern, this.clock, () =>
      this.acts.push(new Date(this.clock.now()).toISOString()),
    )
    this.next = next
    this.close = close
    t.after(() => {
      close()
      assert.deepEqual(this.clock.waits, [])
    })
  }
}

suite('a cron pattern', () => {
  test('is acted on at each of its times', (t) => {
    const scheduled = new Scheduled(t, '*/20 4 * * *', '2030-01-01T00:00:00Z')
    assert.equal(scheduled.next(), Date.parse('2030-01-01T03:00:00Z'))
    scheduled.clock.advance(48 * hour)
    assert.deepEqual(scheduled.acts, [
      '2030-01-01T03:00:00.000Z',
      '2030-01-01T03:20:00.000Z',
      '2030-01-01T03:40:00.000Z',
      '2030-01-02T03:00:00.000Z',
      '2030-01-02T03:20:00.000Z',
      '2030-01-02T03:40:00.000Z',
    ])
    assert.equal(scheduled.next(), Date.parse('2030-01-03T03:00:00Z'))
  })

  test('can be years away, and no wait is longer than a minute', (t) => {
    const scheduled = new Scheduled(t, '0 0 29 2 *', '2030-01-01T00:00:00Z')
    assert.equal(scheduled.next(), Date.parse('2032-02-28T23:00:00Z'))
    assert.deepEqual(scheduled.clock.waits, [minute])
  })

  test('that never comes is waited for by nobody', (t) => {
    const scheduled = new Scheduled(t, '0 0 30 2 *', '2030-01-01T00:00:00Z')
    assert.equal(scheduled.next(), undefined)
    assert.deepEqual(scheduled.clock.waits, [])
  })

  test('is acted on once in the night without its hour, and once in the one that has it twice', (t) => {
    const spring = new Scheduled(t, '30 2 * * *', '2030-03-30T12:00:00Z')
    spring.clock.advance(36 * hour)
    assert.deepEqual(spring.acts, ['2030-03-31T01:00:00.000Z'])
    const autumn = new Scheduled(t, '30 2 * * *', '2030-10-26T12:00:00Z')
    autumn.clock.advance(36 * hour)
    assert.deepEqual(autumn.acts, ['2030-10-27T00:30:00.000Z'])
  })

  test('is acted on once for all the times that the machine has slept through', (t) => {
    const scheduled = new Scheduled(t, '0 * * * *', '2030-01-01T00:30:00Z')
    scheduled.clock.set(Date.parse('2030-01-01T09:15:00Z'))
    scheduled.clock.fire()
    assert.deepEqual(scheduled.acts, ['2030-01-01T09:15:00.000Z'])
    assert.equal(scheduled.next(), Date.parse('2030-01-01T10:00:00Z'))
  })

  test('is not acted on twice when the clock is set back a little', (t) => {
    const scheduled = new Scheduled(t, '0 * * * *', '2030-01-01T00:59:30Z')
    scheduled.clock.advance(30_000)
    assert.equal(scheduled.acts.length, 1)
    scheduled.clock.set(Date.parse('2030-01-01T00:59:50Z'))
    scheduled.clock.fire()
    scheduled.clock.advance(30 * minute)
    assert.equal(scheduled.acts.length, 1)
    assert.equal(scheduled.next(), Date.parse('2030-01-01T02:00:00Z'))
  })

  test('is reckoned anew when the clock was wrong by years', (t) => {
    const scheduled = new Scheduled(t, '0 4 * * *', '2099-01-01T00:00:00Z')
    scheduled.clock.set(Date.parse('2030-01-01T00:00:00Z'))
    scheduled.clock.fire()
    assert.deepEqual(scheduled.acts, [])
    assert.equal(scheduled.next(), Date.parse('2030-01-01T03:00:00Z'))
  })

  test('goes on when the act throws', (t) => {
    const clock = new HandClock(Date.parse('2030-01-01T00:59:30Z'))
    const { close } = everyCron('0 * * * *', clock, () => {
      throw new Error('no')
    })
    t.after(close)
    assert.throws(() => clock.advance(30_000), { message: 'no' })
    assert.deepEqual(clock.waits, [minute])
  })

  for (const pattern of ['', 'often', '61 * * * *', '* * *']) {
    test(`'${pattern}' is refused with what to write`, () => {
      assert.throws(() => everyCron(pattern, new HandClock(), () => {}), {
        code: 'usage',
        message: /is no cron pattern: .*; write minute, hour/,
      })
    })
  }
})
