// What clients meet adds up: answers by status and time, failures by kind, requests by second.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOf, Tally } from '../../../src/cli/bench/tally.ts'

test('answers are counted by status, bytes and time', () => {
  const tally = new Tally()
  for (let n = 1; n <= 1000; n++) tally.answered(n <= 990 ? 200 : 503, 10, n / 100)
  const result = tally.result(2000)
  assert.equal(result.requests, 1000)
  assert.equal(result.bytes, 10_000)
  assert.deepEqual(result.statuses, { 200: 990, 503: 10 })
  assert.equal(result.perSecond.mean, 500)
  const { latency } = result
  assert.ok(latency !== undefined)
  // The histogram keeps three digits.
  const near = (value: number, expected: number): void =>
    assert.ok(Math.abs(value / expected - 1) < 0.002, `${value} is not about ${expected}`)
  near(latency.p50, 5)
  near(latency.p90, 9)
  near(latency.p97_5, 9.75)
  near(latency.p99, 9.9)
  near(latency.p99_9, 9.99)
  near(latency.max, 10)
  near(latency.mean, 5.005)
})

test('single seconds have a lowest, and a lowest but a fortieth', () => {
  const tally = new Tally()
  for (let second = 1; second <= 80; second++) {
    for (let n = 0; n < second; n++) tally.answered(200, 1, 1)
    const tick = tally.tick(second * 1000)
    assert.equal(tick.lastSecond, second)
  }
  const { perSecond } = tally.result(80_000)
  assert.deepEqual([perSecond.min, perSecond.p2_5], [1, 2])
})

test('a tick tells requests without an answer and bad answers together', () => {
  const tally = new Tally()
  tally.answered(200, 1, 1)
  tally.answered(404, 1, 1)
  tally.answered(500, 1, 1)
  tally.failed('reset', 'ECONNRESET')
  tally.failed('timeouts')
  assert.deepEqual(tally.tick(1000), { at: 1000, lastSecond: 3, requests: 3, errors: 4 })
  assert.deepEqual(tally.tick(2000), { at: 2000, lastSecond: 0, requests: 3, errors: 4 })
})

test('of nothing there are no latencies', () => {
  const { latency, perSecond } = new Tally().result(0)
  assert.equal(latency, undefined)
  assert.deepEqual(perSecond, { mean: 0, p2_5: 0, min: 0 })
})

test('what happened is known by the system code', () => {
  const codes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', undefined]
  assert.deepEqual(codes.map(failureOf), ['refused', 'reset', 'reset', 'timeouts', 'other', 'other'])
})
