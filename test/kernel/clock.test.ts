// The system clock, on node:test's own fake timers.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { systemClock } from '../../src/kernel/clock.ts'

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
