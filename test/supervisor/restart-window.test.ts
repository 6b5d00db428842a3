// The plan for one crashed slot: when to restart it, and when to give up.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { planRestart } from '../../src/supervisor/restart-window.ts'

const policy = { intensity: 100, period: 10_000, backoff: { from: 100, to: 30_000 } }
const atBoot = { wasReadyFor: 0, fromOutside: false }

suite('a restart plan', () => {
  const delays = [
    [0, 0],
    [1, 100],
    [2, 200],
    [3, 400],
    [9, 25_600],
    [10, 30_000],
    [5000, 30_000],
  ] as const
  for (const [crashes, delay] of delays) {
    test(`after ${crashes} crashes waits ${delay} ms`, () => {
      assert.deepEqual(planRestart({ crashes, restarts: [] }, policy, atBoot, 1000), {
        type: 'restart',
        delay,
        crashes: crashes + 1,
        restarts: [1000 + delay],
      })
    })
  }

  test('begins anew after a whole period of being ready', () => {
    const slot = { crashes: 7, restarts: [1] }
    const plan = planRestart(slot, policy, { wasReadyFor: 10_000, fromOutside: false }, 20_000)
    assert.deepEqual(plan, { type: 'restart', delay: 0, crashes: 1, restarts: [20_000] })
  })

  test('for a ready worker killed from outside neither waits nor counts a crash', () => {
    const plan = planRestart(
      { crashes: 7, restarts: [] },
      policy,
      { wasReadyFor: 5, fromOutside: true },
      20_000,
    )
    assert.deepEqual(plan, { type: 'restart', delay: 0, crashes: 7, restarts: [20_000] })
  })

  test('forgets restarts that are a whole period ago', () => {
    const slot = { crashes: 0, restarts: [0, 1, 5000] }
    assert.deepEqual(planRestart(slot, { ...policy, intensity: 3 }, atBoot, 10_000), {
      type: 'restart',
      delay: 0,
      crashes: 1,
      restarts: [1, 5000, 10_000],
    })
  })

  test('gives up when the restart would be one too many within the period, and tells how many there were', () => {
    const slot = { crashes: 0, restarts: [1, 2, 5000] }
    const plan = planRestart(slot, { ...policy, intensity: 3 }, atBoot, 10_000)
    assert.deepEqual(plan, { type: 'give-up', restarts: 3 })
  })

  test('never has more than `intensity` restarts in any window of `period`', { timeout: 60_000 }, () => {
    const end = fc.record({ after: fc.nat(3000), fromOutside: fc.boolean() })
    const policies = fc.record({
      intensity: fc.nat(5),
      period: fc.nat(5000),
      backoff: fc.record({ from: fc.nat(500), to: fc.nat(5000) }),
    })
    fc.assert(
      fc.property(policies, fc.array(end, { maxLength: 50 }), (some, ends) => {
        let slot: { crashes: number; restarts: readonly number[] } = { crashes: 0, restarts: [] }
        const all: number[] = []
        let now = 0
        for (const { after, fromOutside } of ends) {
          now += after
          const plan = planRestart(slot, some, { wasReadyFor: after, fromOutside }, now)
          if (plan.type === 'give-up') break
          slot = plan
          now += plan.delay
          all.push(now)
        }
        for (const [index, at] of all.entries()) {
          const window = all.slice(0, index + 1).filter((time) => time > at - some.period)
          assert.ok(some.period === 0 || window.length <= some.intensity)
        }
      }),
    )
  })
})
