// A worker is asked for its count; one that does not answer in time is answered for by what was known before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { specFromFlags } from '../../src/config/from-flags.ts'
import { settingsOf } from '../../src/config/settings.ts'
import { Guard } from '../../src/supervisor/guard.ts'
import type { SupervisorMessage } from '../../src/wire/messages.ts'
import { FakeClock } from '../support/fake-clock.ts'

const timeout = 10_000
const none = { requests: 0, errors: 0 }

function guarded() {
  const clock = new FakeClock()
  const sent: SupervisorMessage[] = []
  const settings = settingsOf(specFromFlags(import.meta.filename, [], {}, 'files', {}), '/nowhere')
  const nothing = (): void => {}
  const events = { ready: nothing, unready: nothing, unwell: nothing, blocked: nothing, due: nothing }
  return { clock, sent, guard: new Guard(0, settings, (message) => sent.push(message), clock, 0, events) }
}

test('the answer settles everybody who waits', { timeout }, async () => {
  const { guard, sent, clock } = guarded()
  const asked = [guard.counted(1000), guard.counted(2000)]
  assert.deepEqual(sent, [{ type: 'count' }, { type: 'count' }])
  guard.hear({ type: 'counted', requests: 7, errors: 1 })
  for (const served of await Promise.all(asked)) assert.deepEqual([served.requests, served.errors], [7, 1])
  assert.equal(clock.waiting, 0)
})

test('without an answer in time it is what was known before', { timeout }, async () => {
  const { guard, clock } = guarded()
  const early = guard.counted(1000)
  await clock.pass(1000)
  assert.deepEqual(await early, none)
  guard.hear({ type: 'counted', requests: 7, errors: 1 })
  const late = guard.counted(1000)
  await clock.pass(1000)
  assert.equal((await late).requests, 7)
})

test('with the worker the waiting ends', { timeout }, async () => {
  const { guard, clock } = guarded()
  const asked = guard.counted(1000)
  guard.close()
  assert.deepEqual(await asked, none)
  assert.equal(clock.waiting, 0)
})
