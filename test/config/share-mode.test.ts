// A share mode that this system does not have is replaced by one that it has, and people are told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insteadOf, shareModeHere } from '../../src/config/share-mode.ts'

const modes = ['slots', 'shared', 'balanced', 'ports'] as const

test('Linux has them all', () => {
  for (const mode of modes) {
    assert.equal(shareModeHere(mode, 'linux'), mode)
    assert.equal(insteadOf(mode, 'linux'), undefined)
  }
})

for (const platform of ['darwin', 'win32'] as const) {
  test(`on ${platform} one socket is shared where each slot was to have its own`, () => {
    assert.deepEqual(
      modes.map((mode) => shareModeHere(mode, platform)),
      ['shared', 'shared', 'balanced', 'ports'],
    )
    assert.match(
      insteadOf('slots', platform) ?? '',
      new RegExp(`needs Linux, and this is ${platform}: it runs in 'shared'`),
    )
    for (const mode of ['shared', 'balanced', 'ports'] as const)
      assert.equal(insteadOf(mode, platform), undefined)
  })
}
