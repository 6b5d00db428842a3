// Points in time as people write them, in local time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePointInTime, pointInTime } from '../../src/cli/point-in-time.ts'
import { BroodError } from '../../src/kernel/errors.ts'

const now = new Date(2026, 10, 21, 9, 30, 15).getTime()

const valid: [text: string, expected: Date][] = [
  ['1h', new Date(2026, 10, 21, 8, 30, 15)],
  ['1.5h', new Date(2026, 10, 21, 8, 0, 15)],
  ['2d', new Date(now - 2 * 86_400_000)],
  ['0s', new Date(now)],
  ['08:00', new Date(2026, 10, 21, 8)],
  ['8:00', new Date(2026, 10, 21, 8)],
  ['22:00', new Date(2026, 10, 20, 22)],
  ['today', new Date(2026, 10, 21)],
  ['today 22:00', new Date(2026, 10, 21, 22)],
  ['yesterday', new Date(2026, 10, 20)],
  ['yesterday 22:00', new Date(2026, 10, 20, 22)],
  ['2026-11-20', new Date(2026, 10, 20)],
  ['2026-11-20T22:00', new Date(2026, 10, 20, 22)],
  ['2026-11-20 22:00:05', new Date(2026, 10, 20, 22, 0, 5)],
  ['2024-02-29', new Date(2024, 1, 29)],
  ['2026-11-20 22:00:05.25', new Date(2026, 10, 20, 22, 0, 5, 250)],
  ['2026-11-20T22:00Z', new Date('2026-11-20T22:00:00Z')],
  ['2026-11-20 22:00:05.123+01:30', new Date('2026-11-20T20:30:05.123Z')],
]

for (const [text, expected] of valid) {
  test(`'${text}' is ${expected.toISOString()}`, () => {
    assert.equal(parsePointInTime(text, now), expected.getTime())
  })
}

const invalid = [
  '',
  ' ',
  '5',
  '1 hour',
  'tomorrow',
  '24:00',
  '12:60',
  '12:00:60',
  '2026-02-30',
  '2026-13-01',
  '2026-11-20T',
  'yesterday22:00',
  '-1h',
  '2026-02-30T10:00Z',
  '2026-11-20T24:30Z',
  '22:00Z',
  '2026-11-20Z',
]

for (const text of invalid) {
  test(`'${text}' is no point in time`, () => {
    assert.equal(parsePointInTime(text, now), undefined)
  })
}

test('an option with something else is told what it may be', () => {
  assert.throws(
    () => pointInTime('--since', 'tomorrow', now),
    (error) =>
      error instanceof BroodError && /^--since tomorrow: write a time such as 1h/.test(error.message),
  )
})
