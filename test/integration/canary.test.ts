// The first new worker of a reload is watched beside the old ones: a bad one goes alone, a good one brings the others.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { askHttp } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'
import { startLoad } from '../support/load/index.ts'

const bounded = { timeout: 60_000 }

async function deployed(t: TestContext, workers: number, reload: object) {
  const brood = Brood.create(t)
  const file = new ConfigFile(t)
  const app = {
    name: 'web',
    script: program('as-told.js'),
    workers,
    port: 0,
    ready: { settle: '50ms' },
    reload,
  }
  const apply = (env: object) => brood.run('apply', file.write([{ ...app, env }]))
  const ran = await apply({ RELEASE: 'first' })
  assert.equal(ran.code, 0, ran.stderr)
  const report = await brood.show('web')
  return { brood, apply, before: pidsOf(report), port: portOf(report) }
}

describe('a canary', { concurrency: 2 }, () => {
  test('that answers with errors is taken back, with the figures', bounded, async (t) => {
    const { brood, apply, before, port } = await deployed(t, 3, { canary: '60s' })
    const asking = keepAsking(askHttp(port), t.signal)
    const ran = await apply({ RELEASE: 'second', BEHAVIOUR: 'errors' })
    const figures = /answered 100\.0 % of \d+ requests with a status of 500 and more, the others 0\.0 %/
    assertRefused({ ...ran, stdout: '' }, 4, /^brood: web\/0 /, figures, /the old workers go on/)
    const report = await brood.show('web')
    assert.deepEqual(pidsOf(report), before)
    assert.equal(report.status, 'running')
    assert.equal(report.spec.env.RELEASE, 'first')
    const events = await brood.events()
    assert.match(events.find(({ type }) => type === 'reload-aborted')?.reason ?? '', figures)
    assert.equal(
      events.some(({ type }) => type === 'canary-passed'),
      false,
    )
    await asking.answersFrom(before)
    assert.deepEqual(await asking.stop(), [])
  })

  test('is watched anew by the supervisor after one that was killed', bounded, async (t) => {
    const { brood, apply, before, port } = await deployed(t, 2, { canary: '60s' })
    const applied = apply({ RELEASE: 'second', BEHAVIOUR: 'errors' })
    await brood.waitForWorker('web', 'settling')
    await brood.replaced(await brood.killSupervisor())
    assert.notEqual((await applied).code, 0)
    await brood.waitForWorker('web', 'settling')
    const asking = keepAsking(askHttp(port), t.signal)
    const aborted = await brood.event(({ type }) => type === 'reload-aborted')
    assert.match(aborted.reason ?? '', /with a status of 500 and more/)
    await brood.waitForStatus('web', 'running')
    const report = await brood.show('web')
    assert.deepEqual(pidsOf(report), before)
    assert.equal(report.spec.env.RELEASE, 'first')
    await asking.stop()
  })

  test('that serves well brings the others', bounded, async (t) => {
    const { brood, apply, before, port } = await deployed(t, 3, { canary: '1s' })
    const load = startLoad({ port, signal: t.signal, kinds: { short: { clients: 3, pause: 5 } } })
    const ran = await apply({ RELEASE: 'second' })
    assert.equal(ran.code, 0, ran.stderr)
    const after = pidsOf(await brood.show('web'))
    assert.equal(new Set([...before, ...after]).size, 6)
    await load.until(({ total }) => after.every((pid) => total.pids.has(pid)))
    const { examples } = await load.stop()
    assert.deepEqual(examples, [])
    const events = await brood.events()
    const passed = events.findIndex(({ type }) => type === 'canary-passed')
    const isNewReady = (slot: number) =>
      events.findIndex((one) => one.type === 'worker-ready' && one.slot === slot && one.pid === after[slot])
    assert.ok(isNewReady(0) < passed && passed < isNewReady(1), 'the others begin when it has passed')
    assert.equal(events[passed]?.slot, 0)
    const [begun, ended] = [events[isNewReady(0)]?.at ?? 0, events[passed]?.at ?? 0]
    // Timers may come a moment early.
    assert.ok(ended - begun >= 990, `it was watched for ${ended - begun} ms`)
  })

  test('that crashes while it is watched is taken back', bounded, async (t) => {
    const { brood, apply, before } = await deployed(t, 2, { canary: '60s' })
    const ran = await apply({ RELEASE: 'second', BEHAVIOUR: 'late-crash' })
    assertRefused({ ...ran, stdout: '' }, 4, /^brood: web\/0 exited with code 1: Error: this release is bad/)
    assert.deepEqual(pidsOf(await brood.show('web')), before)
  })

  test('is watched by a plain reload, too, and --canary is its flag', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = ['-w', '2', '--name', 'web', '--canary', '500ms']
    const { report } = await brood.start(program('http.js'), ...flags)
    assert.equal((await brood.run('reload', 'web')).code, 0)
    const events = await brood.events()
    assert.equal(events.filter(({ type }) => type === 'canary-passed').length, 1)
    const after = pidsOf(await brood.show('web'))
    assert.equal(new Set([...pidsOf(report), ...after]).size, 4)
  })
})

test('--parallel replaces so many at a time', bounded, async (t) => {
  const brood = Brood.create(t)
  const flags = ['-w', '4', '--name', 'web', '--parallel', '2', '--settle', '1s']
  const { report, port } = await brood.start(program('http.js'), ...flags)
  const load = startLoad({
    port,
    signal: t.signal,
    kinds: { keepAliveBusy: { clients: 4, pause: 5 }, short: { clients: 3, pause: 5 } },
  })
  const reloaded = brood.run('reload', 'web')
  await brood.event(
    ({ type, slot, pid }) => type === 'worker-ready' && slot === 1 && pid !== pidsOf(report)[1],
  )
  const during = (await brood.show('web')).workers
  const fresh = during.filter(({ pid }) => pid !== null && !pidsOf(report).includes(pid))
  assert.deepEqual(
    fresh.map(({ slot }) => slot),
    [0, 1],
    'both wait beside the old ones, which is what settling is long for',
  )
  assert.equal((await reloaded).code, 0)
  const after = pidsOf(await brood.show('web'))
  assert.equal(new Set([...pidsOf(report), ...after]).size, 8)
  await load.until(({ total }) => after.every((pid) => total.pids.has(pid)))
  assert.deepEqual((await load.stop()).examples, [])
})
