// An app that is given another description by a restart, and other commands for it at the same time.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'

const bounded = { timeout: 60_000 }

/** An app that runs, and a change of its description that takes a restart. */
async function changing(t: TestContext, next: object, first: object = {}) {
  const brood = Brood.create(t)
  const base = { name: 'web', port: 0, maxWorkers: 4 }
  const before = { ...base, script: program('http.js'), ...first }
  const ran = await brood.run('start', new ConfigFile(t).write([before]))
  assert.equal(ran.code, 0, ran.stderr)
  const apply = (changes: object = {}) =>
    brood.run('apply', new ConfigFile(t).write([{ ...before, maxWorkers: 5, ...next, ...changes }]))
  return { brood, apply }
}

/** Of each worker that was ever started something is known: it runs in its app, or has ended. */
async function nobodyIsLost(brood: Brood): Promise<void> {
  const events = await brood.events()
  const pidsOfType = (wanted: string) => events.flatMap(({ type, pid }) => (type === wanted ? [pid] : []))
  const ended = new Set(pidsOfType('worker-exited'))
  const left = pidsOfType('worker-started').filter((pid) => !ended.has(pid))
  assert.deepEqual(left, (await brood.list()).flatMap(pidsOf))
}

const slow = { script: program('never-ready.js'), ready: { timeout: '30s' } }

/** The new description's worker has been started, and is not ready. */
async function isStarting(brood: Brood): Promise<void> {
  let started = 0
  await brood.event(({ type }) => type === 'worker-started' && ++started === 2)
}

describe('while an app is restarted for a change', { concurrency: 2 }, () => {
  test('another change is refused, and no worker is lost', bounded, async (t) => {
    const { brood, apply } = await changing(t, slow)
    const applied = apply()
    await isStarting(brood)
    const { code, stderr } = await apply({ maxWorkers: 6 })
    assert.deepEqual([code, /is in the middle of a change that restarts it/.test(stderr)], [1, true], stderr)
    assert.equal((await brood.run('stop', 'web')).code, 0)
    await applied
    await nobodyIsLost(brood)
  })

  test('a stop is a stop', bounded, async (t) => {
    const { brood, apply } = await changing(t, slow)
    const applied = apply()
    await isStarting(brood)
    assert.equal((await brood.run('stop', 'web')).code, 0)
    const { code, stderr } = await applied
    assert.deepEqual(
      [code, /^brood: (.*) \(/.exec(stderr)?.[1]],
      [1, "'web' was stopped while it was being changed"],
    )
    const { status, spec } = await brood.show('web')
    assert.deepEqual([status, spec.script], ['stopped', program('http.js')])
    assert.equal((await brood.run('restart', 'web')).code, 0)
    await nobodyIsLost(brood)
  })

  test('a deleted app stays deleted', bounded, async (t) => {
    const { brood, apply } = await changing(t, slow)
    const applied = apply()
    await isStarting(brood)
    assert.equal((await brood.run('delete', 'web')).code, 0)
    const { code, stderr } = await applied
    assert.deepEqual(
      [code, /^brood: (.*) \(/.exec(stderr)?.[1]],
      [1, "'web' was deleted while it was being changed"],
    )
    assert.deepEqual(await brood.list(), [])
    await nobodyIsLost(brood)
  })

  test('other commands are refused', bounded, async (t) => {
    const { brood, apply } = await changing(t, slow)
    const applied = apply()
    await isStarting(brood)
    assert.equal((await brood.show('web')).spec.maxWorkers, 5)
    for (const command of [
      ['reload', 'web'],
      ['restart', 'web'],
      ['scale', 'web', '2'],
      ['rollback', 'web'],
    ]) {
      assertRefused(await brood.run(...command), 1, /'web' is in the middle of a/)
    }
    assert.equal((await brood.run('stop', 'web')).code, 0)
    await applied
  })

  test('brood kill ends everything', bounded, async (t) => {
    const { brood, apply } = await changing(t, slow)
    const applied = apply()
    await isStarting(brood)
    assert.equal((await brood.run('kill')).code, 0)
    assert.equal((await applied).code, 1)
    assert.deepEqual(brood.processes(), [])
  })

  test('a supervisor that comes after one that was killed knows the way back', bounded, async (t) => {
    const { brood, apply } = await changing(t, slow)
    const applied = apply()
    await isStarting(brood)
    await brood.replaced(await brood.killSupervisor())
    assert.notEqual((await applied).code, 0)
    assert.equal((await brood.show('web')).spec.maxWorkers, 5)
    const ran = await brood.run('rollback', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const { status, spec } = await brood.show('web')
    assert.deepEqual([status, spec.script], ['running', program('http.js')])
  })
})

test('brood kill waits for workers that nobody knows any more', bounded, async (t) => {
  const brood = Brood.create(t)
  assert.equal((await brood.run('start')).code, 0, 'a supervisor runs, whose events can be followed')
  // Of an app that has yet to be up nothing is remembered; this one's worker is ended, and does not end when it is asked to.
  const flags = ['--name', 'web', '--ready', 'message', '--env', 'PORT=0']
  const started = brood.run('start', program('ignores-sigterm.js'), ...flags)
  await brood.waitForLog('web', /listening/)
  await brood.replaced(await brood.killSupervisor())
  assert.notEqual((await started).code, 0)
  assert.deepEqual(await brood.list(), [])
  assert.equal((await brood.run('kill')).code, 0)
  assert.deepEqual(brood.processes(), [])
})
