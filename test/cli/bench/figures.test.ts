// Figures have three digits and their unit; bars are drawn to an eighth of a column.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  bar,
  busiestToMean,
  bytesText,
  lengthText,
  microsText,
  percentText,
  whole,
} from '../../../src/cli/bench/figures.ts'

suite('a bar', () => {
  for (const [value, drawn] of [
    [0, ''],
    [-1, ''],
    [Number.NaN, ''],
    [0.0001, '▏'],
    [1, '▍'],
    [2, '▊'],
    [4, '█▋'],
    [5, '██'],
    [10, '████'],
    [11, '████'],
  ] as const) {
    test(`of ${value} of 10 in four columns is '${drawn}'`, () => assert.equal(bar(value, 10, 4), drawn))
  }

  test('is empty where the most is nothing', () => assert.equal(bar(1, 0, 4), ''))
})

suite('figures', () => {
  for (const [text, expected] of [
    [whole(1234567.8), '1,234,568'],
    [lengthText(0.314), '0.31 ms'],
    [lengthText(9.999), '10.0 ms'],
    [lengthText(14.24), '14.2 ms'],
    [lengthText(217), '217 ms'],
    [lengthText(1204), '1.20 s'],
    [microsText(12.34), '12.3 µs'],
    [microsText(2500), '2.50 ms'],
    [bytesText(0), '0 B'],
    [bytesText(999), '999 B'],
    [bytesText(1_410_000), '1.41 MB'],
    [bytesText(5e15), '5,000 TB'],
    [percentText(0.2513), '25.1 %'],
  ] as const) {
    test(expected, () => assert.equal(text, expected))
  }
})

test('the busiest is measured in what the mean has', () => {
  assert.equal(busiestToMean([30, 10, 20]), 1.5)
  assert.equal(busiestToMean([7]), 1)
  assert.equal(busiestToMean([0, 0]), undefined)
  assert.equal(busiestToMean([]), undefined)
})
