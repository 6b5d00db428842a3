// Lengths of time, read and written as people do.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { exactDuration, formatDuration, parseDuration } from '../../src/kernel/duration.ts'

suite('parseDuration', () => {
  const good = {
    '0': 0,
    '250': 250,
    '250ms': 250,
    '30s': 30_000,
    '1.5s': 1500,
    '5m': 300_000,
    '1h': 3_600_000,
    '2d': 172_800_000,
    ' 10 s ': 10_000,
    '0.4ms': 0,
    '0.1s': 100,
  }
  for (const [text, length] of Object.entries(good)) {
    test(`reads '${text}' as ${length} ms`, () => assert.equal(parseDuration(text), length))
  }

  const bad = [
    '',
    ' ',
    's',
    '-1s',
    '+1s',
    '1e3',
    '1 000',
    '10sec',
    '10S',
    '.5s',
    '5.s',
    '1s 2ms',
    'Infinity',
    'NaN',
    '1w',
    '٣s',
  ]
  for (const text of bad) test(`refuses '${text}'`, () => assert.equal(parseDuration(text), undefined))
})

suite('formatDuration', () => {
  const lengths: [number, string][] = [
    [0, '0ms'],
    [-5, '0ms'],
    [340, '340ms'],
    [999, '999ms'],
    [1000, '1s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [725_000, '12m 5s'],
    [3_600_000, '1h'],
    [3_605_000, '1h'],
    [3_660_000, '1h 1m'],
    [273_600_000, '3d 4h'],
    [864_000_000, '10d'],
  ]
  for (const [length, text] of lengths) {
    test(`writes ${length} ms as '${text}'`, () => assert.equal(formatDuration(length), text))
  }

  test('writes whole units, the two largest at most, never more than there is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (length) => {
        const parts = formatDuration(length).split(' ')
        assert.ok(parts.length <= 2)
        const total = parts.reduce((sum, part) => sum + (parseDuration(part) ?? Number.NaN), 0)
        assert.ok(total <= length, `${parts} for ${length}`)
        // What is left out is less than one of the smallest unit that could stand there.
        assert.ok(length - total < (length < 1000 ? 1 : Math.max(1000, length / 24)))
      }),
    )
  })
})

suite('exactDuration', () => {
  const lengths: [number, string][] = [
    [0, '0ms'],
    [340, '340ms'],
    [1500, '1500ms'],
    [10_000, '10s'],
    [90_000, '90s'],
    [120_000, '2m'],
    [86_400_000, '1d'],
  ]
  for (const [length, text] of lengths) {
    test(`writes ${length} ms as '${text}'`, () => assert.equal(exactDuration(length), text))
  }

  test('writes what parseDuration reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (length) => {
        assert.equal(parseDuration(exactDuration(length)), length)
      }),
    )
  })
})
