// The system clock, on node:test's own fake timers.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { steadyClock, systemClock } from '../../src/kernel/clock.ts'

suite('the system clock', () => {
  test('calls back once, at the time it was asked for and not before', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    const calls: number[] = []
    systemClock.at(1_000_250, () => calls.push(systemClock.now()))
    t.mock.timers.tick(249)
    assert.deepEqual(calls, [])
    t.mock.timers.tick(1)
    t.mock.timers.tick(10_000)
    assert.deepEqual(calls, [1_000_250])
  })

  test('calls back as soon as possible for a time that has passed, but not at once', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    let calls = 0
    systemClock.at(0, () => calls++)
    assert.equal(calls, 0)
    t.mock.timers.tick(1)
    assert.equal(calls, 1)
  })

  test('does not call back after it was cancelled', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 })
    const cancel = systemClock.at(10, () => assert.fail('it was cancelled'))
    cancel()
    t.mock.timers.tick(100)
    cancel()
  })

  test('does not call back at once for a time further off than a timer reaches', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 })
    let calls = 0
    systemClock.at(2 ** 40, () => calls++)
    t.mock.timers.tick(2 ** 31 - 2)
    assert.equal(calls, 0)
  })
})

suite('the steady clock', () => {
  test('begins with the time of day, and does not follow when that is set', (t) => {
    const before = steadyClock.now()
    assert.ok(Math.abs(before - Date.now()) < 1000, 'nobody has set it since this process began')
    for (const hours of [-1, 1]) {
      t.mock.timers.enable({ apis: ['Date'], now: before + hours * 3_600_000 })
      const passed = steadyClock.now() - before
      assert.ok(passed >= 0 && passed < 60_000, `${passed} ms have passed`)
      t.mock.timers.reset()
    }
  })

  test('keeps the length of a wait while the time of day is set', async (t) => {
    const from = steadyClock.now()
    t.mock.timers.enable({ apis: ['Date'], now: from + 3_600_000 })
    await new Promise<void>((resolve) => steadyClock.at(from + 50, resolve))
    assert.ok(steadyClock.now() - from >= 49)
  })
})
