// Workers are replaced before they are a nuisance: after so many requests, at an age, with too much memory, at an hour.
import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { HistoryEvent } from '../../src/daemon/event.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { startLoad } from '../support/load/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

async function started(t: TestContext, ...flags: string[]) {
  const brood = Brood.create(t)
  const started = await brood.start(program('tires.js'), '--name', 'web', '--settle', '50ms', ...flags)
  return { brood, port: started.port, before: pidsOf(started.report) }
}

const loadOf = (t: TestContext, port: number) =>
  startLoad({
    port,
    signal: t.signal,
    kinds: { keepAliveBusy: { clients: 3, pause: 5 }, short: { clients: 2, pause: 5 } },
  })

const renewed = ({ type }: HistoryEvent): boolean => type === 'renewed'

/** Both slots have been renewed. */
async function bothRenewed(brood: Brood): Promise<void> {
  for (const slot of [0, 1]) await brood.event((event) => renewed(event) && event.slot === slot)
}

async function reasonsOf(brood: Brood): Promise<string[]> {
  const events = await brood.events()
  return events.filter(({ type }) => type === 'worker-renewing').map(({ reason }) => reason ?? '')
}

describe('a worker is replaced without a failed request', { concurrency: 2 }, () => {
  test('after so many requests', bounded, async (t) => {
    const { brood, port, before } = await started(t, '-w', '2', '--max-requests', '200')
    const load = loadOf(t, port)
    await bothRenewed(brood)
    const { examples } = await load.stop()
    assert.deepEqual(examples, [])
    for (const reason of await reasonsOf(brood)) {
      const [, count = '0'] = /^has answered (\d+) requests \(maxRequests 200\)$/.exec(reason) ?? []
      assert.ok(Number(count) >= 180, `${reason}: a tenth less is what jitter allows`)
    }
    assert.equal(
      before.some((pid) => load.report.total.pids.has(pid)),
      true,
    )
    const { workers } = await brood.show('web')
    assert.deepEqual(
      workers.map(({ restarts }) => restarts),
      [0, 0],
      'a renewal is no restart',
    )
  })

  test('at an age', bounded, async (t) => {
    const { brood, port, before } = await started(t, '-w', '2', '--max-age', '2s')
    const load = loadOf(t, port)
    await bothRenewed(brood)
    const { examples } = await load.stop()
    assert.deepEqual(examples, [])
    const after = pidsOf(await brood.show('web'))
    assert.equal(
      after.some((pid) => before.includes(pid)),
      false,
    )
    for (const reason of await reasonsOf(brood)) assert.match(reason, /^is [12]\.?\d*s old$|^is \d+ms old$/)
  })

  test('with too much memory', bounded, async (t) => {
    const { brood, port, before } = await started(t, '-w', '2', '--max-memory', '170MB')
    const load = loadOf(t, port)
    const { pid: grown } = await get({ port, path: '/grow' })
    const renewing = await brood.event(({ type }) => type === 'worker-renewing')
    assert.equal(renewing.pid, grown)
    assert.match(renewing.reason ?? '', /^memory (1[7-9]|2\d)\d MB over 170 MB$/)
    await brood.event(renewed)
    const { examples } = await load.stop()
    assert.deepEqual(examples, [])
    const after = pidsOf(await brood.show('web'))
    const other = before.filter((pid) => pid !== grown)
    assert.deepEqual(
      after.filter((pid) => before.includes(pid)),
      other,
      'only the one that has grown is replaced',
    )
  })

  test('at the hour of a pattern', bounded, async (t) => {
    const { brood, port, before } = await started(t, '-w', '2', '--cron', '*/2 * * * * *')
    const load = loadOf(t, port)
    await bothRenewed(brood)
    const { examples } = await load.stop()
    assert.deepEqual(examples, [])
    const after = pidsOf(await brood.show('web'))
    assert.equal(
      after.some((pid) => before.includes(pid)),
      false,
    )
    const asked = await brood.event(({ type, reason }) => type === 'asked' && reason === 'renewal')
    assert.equal(asked.cause, "cron '*/2 * * * * *'")
    for (const reason of await reasonsOf(brood)) assert.equal(reason, "cron '*/2 * * * * *'")
  })
})

test('the old worker goes on when its successor cannot start', bounded, async (t) => {
  const brood = Brood.create(t)
  const script = join(temporaryFolder(t), 'release.mjs')
  copyFileSync(program('tires.js'), script)
  const { report, port } = await brood.start(script, '--name', 'web', '--max-memory', '170MB')
  const load = loadOf(t, port)
  appendFileSync(script, `\nthrow new Error('half a deploy')\n`)
  await get({ port, path: '/grow' })
  const failed = await brood.event(({ type }) => type === 'renewal-failed')
  assert.equal(failed.slot, 0)
  assert.match(failed.reason ?? '', /^exited with code 1: Error: half a deploy /)
  const after = await brood.show('web')
  assert.deepEqual([pidsOf(after), after.status], [pidsOf(report), 'running'])
  // People come before renewals: a command works at once.
  writeFileSync(script, `await import(${JSON.stringify(program('tires.js'))})`)
  const ran = await brood.run('reload', 'web')
  assert.equal(ran.code, 0, ran.stderr)
  const { examples } = await load.stop()
  assert.deepEqual(examples, [])
})

test('a stopped app is not renewed at its hour', bounded, async (t) => {
  const { brood } = await started(t, '--cron', '* * * * * *')
  await brood.event(renewed)
  assert.equal((await brood.run('stop', 'web')).code, 0)
  const stopped = await brood.event(({ type }) => type === 'stopped')
  // Another app with the same pattern tells that the hour has come and gone.
  await brood.start(program('tires.js'), '--name', 'other', '--settle', '50ms', '--cron', '* * * * * *')
  await brood.event((event) => renewed(event) && event.app === 'other')
  const since = (await brood.events()).filter(({ id, app }) => id > stopped.id && app === 'web')
  assert.deepEqual(since, [])
})
