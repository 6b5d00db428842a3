// What scripts may rely on: 0 done, 1 failed, 2 usage, 3 no such app or supervisor, 4 not ready in time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { type ErrorCode, errorCodes } from '../../src/kernel/errors.ts'

const particular: Partial<Record<ErrorCode, number>> = {
  usage: 2,
  bad_request: 2,
  config_not_found: 2,
  config_invalid: 2,
  no_such_app: 3,
  no_supervisor: 3,
  not_ready: 4,
}

for (const code of Object.keys(errorCodes) as ErrorCode[]) {
  const expected = particular[code] ?? 1
  test(`${code} ends the command with ${expected}`, () => assert.equal(exitCodeOf(code), expected))
}
