// When a delivery is tried again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextTry, tries } from '../../../src/daemon/hooks/retry.ts'

test('tries come ever more rarely, up to a minute apart', () => {
  const delays = Array.from({ length: tries - 1 }, (_, index) => nextTry(0, index + 1, 0.5, undefined))
  assert.deepEqual(delays, [1000, 4000, 16_000, 60_000])
})

test('delays differ by a quarter at most', () => {
  assert.equal(nextTry(100, 1, 0, undefined), 850)
  assert.equal(nextTry(100, 1, 1, undefined), 1350)
})

test('a receiver can ask for more time, but not for less, and not for more than an hour', () => {
  assert.equal(nextTry(0, 1, 0.5, 30_000), 30_000)
  assert.equal(nextTry(0, 1, 0.5, 10), 1000)
  assert.equal(nextTry(0, 1, 0.5, 1e12), 3_600_000)
})
