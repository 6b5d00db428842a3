// A change of a file is one reload; changes during one, or during somebody else's command, are one more after it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeReload } from '../../../src/daemon/watch/change-reload.ts'
import { BroodError } from '../../../src/kernel/errors.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const bounded = { timeout: 10_000 }

/** Reloads that end when they are told to. */
function reloads() {
  const going: { resolve: () => void; reject: (error: Error) => void }[] = []
  return {
    going,
    begin: () => new Promise<void>((resolve, reject) => going.push({ resolve, reject })),
  }
}

test('changes during a reload are one more', bounded, async () => {
  const clock = new FakeClock()
  const { going, begin } = reloads()
  const reload = changeReload(begin, clock)
  reload.changed()
  reload.changed()
  reload.changed()
  assert.equal(going.length, 1)
  going[0]?.resolve()
  await clock.pass(1)
  assert.equal(going.length, 2)
  going[1]?.reject(new BroodError('not_ready', 'a bad change'))
  await clock.pass(1000)
  assert.equal(going.length, 2, 'a change that fails waits for the next')
})

test('a change while a command is going on waits for its end', bounded, async () => {
  const clock = new FakeClock()
  const { going, begin } = reloads()
  const reload = changeReload(begin, clock)
  reload.changed()
  going[0]?.reject(new BroodError('busy', 'in the middle of a scale'))
  await clock.pass(99)
  assert.equal(going.length, 1)
  await clock.pass(1)
  assert.equal(going.length, 2)
  reload.end()
  going[1]?.reject(new BroodError('busy', 'in the middle of a stop'))
  await clock.pass(1000)
  assert.equal(going.length, 2, 'an app that is not watched any more is left alone')
  assert.equal(clock.waiting, 0)
})
