// The one error type, and what is read from errors of others.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BroodError, errorCodes, messageOf, systemCode } from '../../src/kernel/errors.ts'

suite('a BroodError', () => {
  test('has a name, a code, a message and its cause', () => {
    const cause = new Error('bind EADDRINUSE')
    const error = new BroodError('port_in_use', 'port 80 is taken', { cause, detail: ['a', 'b'] })
    assert.ok(error instanceof Error)
    assert.deepEqual(
      [error.name, error.code, error.message, error.cause, error.detail],
      ['BroodError', 'port_in_use', 'port 80 is taken', cause, ['a', 'b']],
    )
  })

  test('has no cause and no detail unless they are given', () => {
    const error = new BroodError('usage', 'x')
    assert.equal('cause' in error, false)
    assert.deepEqual(error.detail, [])
  })
})

test('every code is written in one way and explained', () => {
  for (const [code, meaning] of Object.entries(errorCodes)) {
    assert.match(code, /^[a-z]+(_[a-z]+)*$/)
    assert.match(meaning, /\w+ \w+/)
  }
})

suite('what is thrown', () => {
  test('has a system code if it carries one as text', () => {
    assert.equal(systemCode(Object.assign(new Error('x'), { code: 'EACCES' })), 'EACCES')
    for (const other of [undefined, null, 'EACCES', { code: 13 }, {}, new Error('EACCES')]) {
      assert.equal(systemCode(other), undefined)
    }
  })

  test('has a message, whatever it is', () => {
    assert.deepEqual([new Error('x'), 'y', 1, null, undefined].map(messageOf), [
      'x',
      'y',
      '1',
      'null',
      'undefined',
    ])
  })
})
