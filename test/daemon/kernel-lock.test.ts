// The kernel's lock: one has it, until it is given back; not having been looked at for long is no reason to lose it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { homeOf } from '../../src/daemon/home.ts'
import { lock } from '../../src/daemon/kernel-lock.ts'
import { temporaryFolder } from '../support/temporary.ts'

function taken(t: TestContext): () => (() => void) | undefined {
  const path = temporaryFolder(t)
  const home = homeOf({ BROOD_HOME: path })
  return () => lock(home, join(path, 'lock'), 0)
}

test('one has it at a time', (t) => {
  const take = taken(t)
  const release = take()
  assert.ok(release)
  assert.equal(take(), undefined)
  release()
  const again = take()
  assert.ok(again)
  again()
})

test('it is held although nobody keeps what would give it back', async (t) => {
  const take = taken(t)
  const isTaken = (): boolean => take() !== undefined
  assert.equal(isTaken(), true)
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  for (let round = 0; round < 3; round++) {
    await setImmediate() // what was on the stack is garbage now, and what is garbage is torn down
    collect()
  }
  assert.equal(isTaken(), false)
})
