// The runner of the lifecycle: what happens when what it calls throws.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lifecycle } from '../../src/supervisor/lifecycle.ts'
import { type Effect, initialState, type Policy } from '../../src/supervisor/state.ts'
import { FakeClock } from '../support/fake-clock.ts'

const policy: Policy = {
  restart: 'permanent',
  intensity: 5,
  period: 10_000,
  backoff: { from: 100, to: 30_000, jitter: 0 },
  stopExitCodes: [],
  readyTimeout: 5000,
  settle: 250,
  grace: 1000,
  parallel: 1,
}

test('a fault of ours is told, and leaves no effect undone and no deadline forgotten', async () => {
  const clock = new FakeClock()
  const done: string[] = []
  const lifecycle = new Lifecycle(initialState(policy, 2), clock, () => 0.5, {
    perform: (effect: Effect) => {
      done.push(`${effect.type} ${'worker' in effect ? effect.worker : ''}`)
      if (done.at(-1) === 'spawn 1') throw new Error('a fault of ours')
    },
    notice: () => {},
    settled: () => {},
  })
  assert.throws(() => lifecycle.take({ type: 'start', fresh: false }), /a fault of ours/)
  assert.deepEqual(done, ['spawn 1', 'spawn 2'])
  await clock.pass(5000)
  assert.deepEqual(done.slice(2), ['kill 1', 'kill 2'])
})
