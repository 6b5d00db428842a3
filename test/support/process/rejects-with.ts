// Asserts that a promise or a call fails with a BroodError of one code, and gives the error for more questions.
import assert from 'node:assert/strict'
import { BroodError, type ErrorCode } from '../../../src/kernel/errors.ts'

export async function rejectsWith(code: ErrorCode, promise: Promise<unknown>): Promise<BroodError> {
  const error: unknown = await promise.then(
    (value) => assert.fail(`gave ${JSON.stringify(value)} instead of ${code}`),
    (reason: unknown) => reason,
  )
  return ofCode(code, error)
}

export function throwsWith(code: ErrorCode, call: () => unknown): BroodError {
  try {
    call()
  } catch (error) {
    return ofCode(code, error)
  }
  assert.fail(`returned instead of ${code}`)
}

function ofCode(code: ErrorCode, error: unknown): BroodError {
  assert.ok(error instanceof BroodError, `${code} expected, not ${error}`)
  assert.equal(error.code, code, error.message)
  return error
}
