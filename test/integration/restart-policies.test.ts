// What follows an exit, by the flags of the command line.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'

const bounded = { timeout: 60_000 }

async function exited(t: TestContext, code: number, ...flags: string[]) {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('http.js'), '--name', 'web', ...flags)
  const [first] = pidsOf(report)
  await get({ port, path: `/exit?code=${code}` }).catch(() => {})
  await brood.event(({ type, pid }) => type === 'worker-exited' && pid === first)
  return { brood, port, first }
}

describe('after an exit', { concurrency: 3 }, () => {
  const cases = [
    { flags: ['--restart', 'permanent'], code: 0, restarts: true },
    { flags: ['--restart', 'permanent'], code: 1, restarts: true },
    { flags: ['--restart', 'transient'], code: 0, restarts: false },
    { flags: ['--restart', 'transient'], code: 1, restarts: true },
    { flags: ['--restart', 'temporary'], code: 0, restarts: false },
    { flags: ['--restart', 'temporary'], code: 1, restarts: false },
    { flags: ['--stop-exit-code', '3', '--stop-exit-code', '5'], code: 5, restarts: false },
    { flags: ['--stop-exit-code', '3', '--stop-exit-code', '5'], code: 4, restarts: true },
    { flags: ['--restart', 'transient', '--stop-exit-code', '3'], code: 3, restarts: false },
  ]
  for (const { flags, code, restarts } of cases) {
    test(
      `with code ${code} under ${flags.join(' ')}, it ${restarts ? 'runs again' : 'stays so'}`,
      bounded,
      async (t) => {
        const { brood, port, first } = await exited(t, code, ...flags)
        if (restarts) {
          const next = await brood.event(({ type, pid }) => type === 'worker-ready' && pid !== first)
          assert.equal((await get({ port })).pid, next.pid)
          return
        }
        const { type, reason } = await brood.event((event) => event.type === 'finished')
        assert.deepEqual([type, reason], ['finished', undefined])
        const { status, workers } = await brood.show('web')
        assert.equal(status, 'stopped')
        assert.deepEqual(
          workers.map(({ state, pid }) => [state, pid]),
          [['done', null]],
        )
        await assert.rejects(get({ port }), { code: 'ECONNREFUSED' })
        // It is not over for good.
        const ran = await brood.run('restart', 'web')
        assert.equal(ran.code, 0, ran.stderr)
        assert.equal(pidsOf(await brood.show('web')).length, 1)
      },
    )
  }
})

describe('a slot', { concurrency: 2 }, () => {
  test('is given up at --intensity, counted over --period', bounded, async (t) => {
    const flags = ['--intensity', '2', '--period', '1m', '--backoff-from', '10ms', '--backoff-to', '20ms']
    const brood = Brood.create(t)
    await brood.start(program('crashes-after-ready.js'), '--name', 'web', ...flags)
    const failed = await brood.event(({ type }) => type === 'slot-failed')
    assert.match(
      failed.reason ?? '',
      /^2 restarts within 1m; the last: exited with code 1: Error: crashed after ready/,
    )
    const events = await brood.events()
    assert.equal(events.filter(({ type }) => type === 'worker-exited').length, 3)
  })

  test('waits longer from crash to crash, from --backoff-from up to --backoff-to', bounded, async (t) => {
    const flags = ['--intensity', '5', '--period', '1m', '--backoff-from', '10ms', '--backoff-to', '35ms']
    const brood = Brood.create(t)
    await brood.start(program('crashes-after-ready.js'), '--name', 'web', ...flags)
    await brood.event(({ type }) => type === 'slot-failed')
    const delays = (await brood.events())
      .filter(({ type }) => type === 'worker-backoff')
      .map(({ reason }) => reason)
    assert.deepEqual(
      delays,
      [10, 20, 35, 35].map((delay) => `the next try is in ${delay}ms`),
    )
  })

  test('waits by up to --jitter more or less', bounded, async (t) => {
    const delays = ['--backoff-from', '40ms', '--backoff-to', '40ms', '--jitter', '0.5']
    const flags = ['--intensity', '5', '--period', '1m', ...delays]
    const brood = Brood.create(t)
    await brood.start(program('crashes-after-ready.js'), '--name', 'web', ...flags)
    await brood.event(({ type }) => type === 'slot-failed')
    const told = (await brood.events())
      .filter(({ type }) => type === 'worker-backoff')
      .map(({ reason }) => reason)
    const lengths = told.map((reason) => Number(/is in ([\d.]+)ms$/.exec(reason ?? '')?.[1]))
    assert.equal(lengths.length, 4)
    for (const length of lengths) assert.ok(length >= 20 && length <= 60, `${length} of ${lengths}`)
    assert.ok(new Set(lengths).size > 1, `${lengths} are spread`)
  })
})
