// How wide commands may print.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { terminal } from '../../src/cli/terminal.ts'

test('a terminal is as wide as it says; one without a size is no reason to cut everything', () => {
  assert.equal(widthOf({ isTTY: true, columns: 40 }), 40)
  assert.equal(widthOf({ isTTY: true, columns: 0 }), 120)
  assert.equal(widthOf({ isTTY: false, columns: undefined }), 120)
})

function widthOf(properties: { isTTY: boolean; columns: number | undefined }): number {
  const { stdout } = process
  const before = Object.entries(properties).map(
    ([name]) => [name, Object.getOwnPropertyDescriptor(stdout, name)] as const,
  )
  for (const [name, value] of Object.entries(properties))
    Object.defineProperty(stdout, name, { value, configurable: true, writable: true })
  try {
    return terminal({ json: false }).width
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(stdout, name)
      else Object.defineProperty(stdout, name, descriptor)
    }
  }
}
