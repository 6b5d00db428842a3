// The estimate of a message's size: never above the truth, and quick for what is far too large.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { serialize } from 'node:v8'
import fc from 'fast-check'
import { checkMessageSize } from '../../src/process/message-size.ts'
import { throwsWith } from '../support/process/rejects-with.ts'

const bounded = { timeout: 20_000 }

suite('the size of a message', () => {
  test('is never counted too high as JSON', bounded, () => {
    fc.assert(
      fc.property(fc.anything({ withDate: true, withTypedArray: true, withBigInt: false }), (value) => {
        const json = JSON.stringify(value) ?? 'undefined'
        checkMessageSize(value, Buffer.byteLength(json), 'json')
      }),
    )
  })

  test('is never counted too high as structured clone', bounded, () => {
    const options = { withDate: true, withTypedArray: true, withBigInt: true, withMap: true, withSet: true }
    fc.assert(
      fc.property(fc.anything(options), (value) =>
        checkMessageSize(value, serialize(value).length, 'advanced'),
      ),
    )
  })

  test('is found too high wherever the bytes are', bounded, () => {
    const text = 'x'.repeat(2000)
    const large = [
      text,
      [text],
      { a: { b: [text] } },
      Buffer.alloc(2000),
      new Uint8Array(2000),
      Array(2000).fill(0),
    ]
    for (const value of large) throwsWith('message_too_large', () => checkMessageSize(value, 1000, 'json'))
    for (const value of [...large, new Map([[1, text]]), new Set([text]), new Float64Array(200)]) {
      throwsWith('message_too_large', () => checkMessageSize(value, 1000, 'advanced'))
    }
    checkMessageSize(large, Number.POSITIVE_INFINITY, 'json')
  })

  test('counts what JSON repeats, without repeating the count', bounded, () => {
    let doubled: unknown = 'xx'
    for (let n = 0; n < 60; n++) doubled = [doubled, doubled]
    throwsWith('message_too_large', () => checkMessageSize(doubled, 16 * 1024 * 1024, 'json'))
    checkMessageSize(doubled, 1000, 'advanced') // references
  })

  test('of a cycle is left to those who serialise it', bounded, () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    checkMessageSize(cycle, 100, 'json')
    assert.throws(() => JSON.stringify(cycle))
  })
})
