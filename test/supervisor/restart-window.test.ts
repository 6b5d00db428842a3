// The plan for one crashed slot: when to restart it, and when to give up.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { planRestart } from '../../src/supervisor/restart-window.ts'

const policy = { intensity: 100, period: 10_000, backoff: { from: 100, to: 30_000, jitter: 0 } }
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
  test('that never waits does not wait after any number of crashes', () => {
    const never = { ...policy, backoff: { ...policy.backoff, from: 0 } }
    for (const crashes of [1, 2, 1024, 1025, 1026, 5000]) {
      const plan = planRestart({ crashes, restarts: [] }, never, atBoot, 1000, 0.5)
      assert.deepEqual(plan, { type: 'restart', delay: 0, crashes: crashes + 1, restarts: [1000] })
    }
  })
  for (const [crashes, delay] of delays) {
    test(`after ${crashes} crashes waits ${delay} ms`, () => {
      assert.deepEqual(planRestart({ crashes, restarts: [] }, policy, atBoot, 1000, 0.5), {
        type: 'restart',
        delay,
        crashes: crashes + 1,
        restarts: [1000 + delay],
      })
    })
  }

  const jittered = [
    [0, 160],
    [0.25, 180],
    [0.5, 200],
    [0.999, 240],
  ] as const
  for (const [chance, delay] of jittered) {
    test(`of 200 ms with a jitter of a fifth becomes ${delay} ms when chance is ${chance}`, () => {
      const some = { ...policy, backoff: { ...policy.backoff, jitter: 0.2 } }
      const plan = planRestart({ crashes: 2, restarts: [] }, some, atBoot, 1000, chance)
      assert.equal(plan.type === 'restart' && plan.delay, delay)
    })
  }

  test('spreads the longest delay too, so that slots that are down for long come back one by one', () => {
    const some = { ...policy, backoff: { ...policy.backoff, jitter: 0.5 } }
    const slot = { crashes: 5000, restarts: [] }
    const delays = [0, 0.5, 0.75].map((chance) => {
      const plan = planRestart(slot, some, atBoot, 1000, chance)
      return plan.type === 'restart' && plan.delay
    })
    assert.deepEqual(delays, [15_000, 30_000, 37_500])
  })

  test('counts the restart for when it happens, not for when its worker crashed', () => {
    const some = { ...policy, intensity: 1, backoff: { from: 200, to: 200, jitter: 0.5 } }
    const slot = { crashes: 1, restarts: [0] }
    const within = planRestart(slot, some, atBoot, 9800, 0)
    const after = planRestart(slot, some, atBoot, 9800, 0.5)
    assert.deepEqual(within, { type: 'give-up', restarts: 1 })
    assert.equal(after.type === 'restart' && after.delay, 200)
  })

  test('begins anew after a whole period of being ready', () => {
    const slot = { crashes: 7, restarts: [1] }
    const plan = planRestart(slot, policy, { wasReadyFor: 10_000, fromOutside: false }, 20_000, 0.5)
    assert.deepEqual(plan, { type: 'restart', delay: 0, crashes: 1, restarts: [20_000] })
  })

  test('for a ready worker killed from outside neither waits nor counts a crash', () => {
    const plan = planRestart(
      { crashes: 7, restarts: [] },
      policy,
      { wasReadyFor: 5, fromOutside: true },
      20_000,
      0.5,
    )
    assert.deepEqual(plan, { type: 'restart', delay: 0, crashes: 7, restarts: [20_000] })
  })

  test('forgets restarts that are a whole period ago', () => {
    const slot = { crashes: 0, restarts: [0, 1, 5000] }
    assert.deepEqual(planRestart(slot, { ...policy, intensity: 3 }, atBoot, 10_000, 0.5), {
      type: 'restart',
      delay: 0,
      crashes: 1,
      restarts: [1, 5000, 10_000],
    })
  })

  test('gives up when the restart would be one too many within the period, and tells how many there were', () => {
    const slot = { crashes: 0, restarts: [1, 2, 5000] }
    const plan = planRestart(slot, { ...policy, intensity: 3 }, atBoot, 10_000, 0.5)
    assert.deepEqual(plan, { type: 'give-up', restarts: 3 })
  })

  test('never has more than `intensity` restarts in any window of `period`', { timeout: 60_000 }, () => {
    const end = fc.record({
      after: fc.nat(3000),
      fromOutside: fc.boolean(),
      chance: fc.constantFrom(0, 0.3, 0.5, 0.999),
    })
    const policies = fc.record({
      intensity: fc.nat(5),
      period: fc.nat(5000),
      backoff: fc.record({ from: fc.nat(500), to: fc.nat(5000), jitter: fc.constantFrom(0, 0.2, 1) }),
    })
    fc.assert(
      fc.property(policies, fc.array(end, { maxLength: 50 }), (some, ends) => {
        let slot: { crashes: number; restarts: readonly number[] } = { crashes: 0, restarts: [] }
        const all: number[] = []
        let now = 0
        for (const { after, fromOutside, chance } of ends) {
          now += after
          const plan = planRestart(slot, some, { wasReadyFor: after, fromOutside }, now, chance)
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
