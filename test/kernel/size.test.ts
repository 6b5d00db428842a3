// Amounts of memory, read and written as people do.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { formatSize, parseSize } from '../../src/kernel/size.ts'

suite('parseSize', () => {
  const good = {
    '0': 0,
    '512': 512,
    '10B': 10,
    '1KB': 1000,
    '512MB': 512_000_000,
    '1.5GB': 1_500_000_000,
    '1KiB': 1024,
    '64 MiB': 67_108_864,
    '1.5GiB': 1_610_612_736,
    ' 2gb ': 2_000_000_000,
    '0.5B': 1,
  }
  for (const [text, bytes] of Object.entries(good)) {
    test(`reads '${text}' as ${bytes} bytes`, () => assert.equal(parseSize(text), bytes))
  }

  const bad = [
    '',
    ' ',
    'MB',
    '512M',
    '1G',
    '-1MB',
    '+1MB',
    '1e6',
    '1,5GB',
    '1TB',
    '.5GB',
    '5.GB',
    '1 000',
    '1ib',
    '9'.repeat(20),
  ]
  for (const text of bad) test(`refuses '${text}'`, () => assert.equal(parseSize(text), undefined))
})

suite('formatSize', () => {
  const sizes: [number, string][] = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1KB'],
    [1024, '1KiB'],
    [512_000_000, '512MB'],
    [536_870_912, '512MiB'],
    [1_500_000_000, '1500MB'],
    [2 ** 30, '1GiB'],
  ]
  for (const [bytes, text] of sizes) {
    test(`writes ${bytes} bytes as '${text}'`, () => assert.equal(formatSize(bytes), text))
  }

  test('writes what parseSize reads back', () => {
    const units = fc.constantFrom(1, 1000, 1024, 10 ** 6, 2 ** 20, 10 ** 9, 2 ** 30)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), units, (count, unit) => {
        assert.equal(parseSize(formatSize(count * unit)), count * unit)
      }),
    )
  })
})
