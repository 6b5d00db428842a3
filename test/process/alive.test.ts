// What keeps a child alive: exactly what would without brood, and what it does with brood itself.
import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { fork } from '../../src/process/index.ts'
import { processTest, programPath } from '../support/process/process-test.ts'

const cases: readonly [act: string, stays: boolean][] = [
  ['nothing', false],
  ['a listener', true],
  ['a listener that goes', false],
  ['a disconnect listener', true],
  ['a listener, unreferenced', false],
  ['no listener, referenced', true],
  ['removeAllListeners', false],
  ['an answer', true],
  ['an answer that goes', false],
  ['a reader', true],
  ['a reader that goes', false],
  ['a request', true],
]

suite('a child with a channel', () => {
  for (const [act, stays] of cases) {
    processTest(`${stays ? 'stays alive with' : 'ends by itself with'} ${act}`, async () => {
      await using child = fork(programPath('keeps-alive.ts'), [act])
      await child.messages().next()
      // Whoever stays does so until the channel is closed; whoever ends does so without being told.
      if (stays) {
        const early = await Promise.race([child.exit, aWhile()])
        assert.equal(early, undefined, 'it ended early')
        child.disconnect()
      }
      const exit = await child.exit
      assert.deepEqual([exit.code, exit.askedBy], [0, 'itself'])
    })
  }
})

/** Longer than a program without anything to do needs to end, some milliseconds; nothing tells that it will not. */
function aWhile(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, 250, undefined))
}
