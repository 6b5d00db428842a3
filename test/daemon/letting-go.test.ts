// Whoever gives an address back waits for those who keep it, and for nobody who does not, or not any more.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { LettingGo } from '../../src/daemon/letting-go.ts'
import type { App } from '../../src/supervisor/app.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** As much of an app as is looked at; its workers are asked, and the test answers for them. */
function appOf(name: string, workers: readonly number[], interpreter?: string): App {
  const part = { settings: { name, interpreter }, keepers: { letGo: () => [...workers] } }
  return part as unknown as App
}

/** Whether a promise has settled by now. */
async function isOver(promise: Promise<void>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<false>((resolve) => setImmediate(resolve, false)),
  ])
}

suite('letting go', () => {
  test('is over when all have answered', async () => {
    const lettingGo = new LettingGo(new FakeClock())
    const over = lettingGo.begin([appOf('web', [1, 2]), appOf('api', [1])], 'web', ['*:80'])
    lettingGo.done('web', 1, 1)
    lettingGo.done('api', 1, 1)
    assert.equal(await isOver(over), false)
    lettingGo.done('web', 2, 1)
    assert.equal(await isOver(over), true)
  })

  test('does not wait for who has ended', async () => {
    const lettingGo = new LettingGo(new FakeClock())
    const over = lettingGo.begin([appOf('web', [1, 2])], 'web', ['*:80'])
    lettingGo.done('web', 1, 1)
    lettingGo.gone('api', 2)
    assert.equal(await isOver(over), false)
    lettingGo.gone('web', 2)
    assert.equal(await isOver(over), true)
  })

  test('does not wait for programs in other languages', async () => {
    const lettingGo = new LettingGo(new FakeClock())
    assert.equal(await isOver(lettingGo.begin([appOf('py', [1], 'python3')], 'web', ['*:80'])), true)
  })

  test('does not wait for long', async () => {
    const clock = new FakeClock()
    const over = new LettingGo(clock).begin([appOf('web', [1])], 'web', ['*:80'])
    assert.equal(await isOver(over), false)
    await clock.pass(1000)
    assert.equal(await isOver(over), true)
  })
})
