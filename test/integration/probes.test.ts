// Whether a worker may get work, whether it is well, and whether its loop turns: asked, and acted upon.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { get } from '../fixtures/get.ts'
import { askHttp } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

async function started(t: TestContext, ...flags: string[]) {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('tires.js'), '--name', 'web', ...flags)
  return { brood, port, before: pidsOf(report) }
}

describe('a readiness probe', { concurrency: 2 }, () => {
  /** It listens at once, and answers /ready well only from the third time on. */
  const gradual = (t: TestContext) =>
    temporaryProgram(
      t,
      'gradual.mjs',
      `import http from 'node:http'
      let asked = 0
      http.createServer((request, response) => {
        if (request.url === '/ready') response.statusCode = ++asked < 3 ? 503 : 200
        response.setHeader('x-pid', process.pid)
        response.setHeader('x-asked', asked)
        response.end(JSON.stringify({ asked, agent: request.headers['user-agent'] }))
      }).listen(Number(process.env.PORT))`,
    )

  test('has a worker wait until it is well', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(gradual(t), '--name', 'web', '--ready', 'http:/ready')
    assert.equal(report.status, 'running')
    const { json } = await get({ port })
    assert.equal(json.asked, 3, 'the third answer was the first good one, and the last')
  })

  test('that is never passed ends the start', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = ['--ready', 'http:/nowhere', '--ready-timeout', '1s', '--env', 'PORT=0']
    const ran = await brood.run('start', program('http.js'), '--name', 'web', ...flags)
    assertRefused(ran, 4, /^brood: web\/0 was not ready within 1s/, /answered 404/)
    assert.deepEqual(await brood.list(), [])
  })

  test('is asked of a reload’s new worker, and the old one goes on', bounded, async (t) => {
    const brood = Brood.create(t)
    const file = new ConfigFile(t)
    const ready = { path: '/', timeout: '1s', every: '50ms' }
    const app = { name: 'web', script: program('as-told.js'), port: 0, ready }
    assert.equal((await brood.run('apply', file.write([app]))).code, 0)
    const before = pidsOf(await brood.show('web'))
    const ran = await brood.run('apply', file.write([{ ...app, env: { BEHAVIOUR: 'errors' } }]))
    assertRefused({ ...ran, stdout: '' }, 4, /^brood: web\/0 was not ready within 1s.*answered 500/)
    assert.deepEqual(pidsOf(await brood.show('web')), before)
  })
})

describe('a liveness probe', { concurrency: 2 }, () => {
  test('that fails again and again has its worker replaced, and no other', bounded, async (t) => {
    const brood = Brood.create(t)
    const file = new ConfigFile(t)
    const live = { path: '/health', every: '100ms', timeout: '2s', failures: 2 }
    const app = { name: 'web', script: program('tires.js'), workers: 2, port: 0, live }
    const ran = await brood.run('start', file.write([app]), '--json')
    assert.equal(ran.code, 0, ran.stderr)
    const [report] = await brood.list()
    const port = Number(report?.addresses[0]?.split(':').at(-1))
    const { pid: sick } = await get({ port, path: '/sicken' })
    const exited = await brood.event(({ type }) => type === 'worker-exited')
    assert.deepEqual([exited.pid, exited.cause], [sick, 'crash'])
    assert.match(exited.reason ?? '', /^is not well: .*answered 503/)
    const next = await brood.event(
      ({ type, slot, id }) => type === 'worker-ready' && slot === exited.slot && id > exited.id,
    )
    const other = pidsOf(report).filter((pid) => pid !== sick)
    const after = pidsOf(await brood.show('web'))
    assert.deepEqual(new Set(after), new Set([...other, next.pid]))
    assert.match((await brood.show('web')).failure?.reason ?? '', /answered 503/)
  })

  test('is given by --live', bounded, async (t) => {
    const { brood } = await started(t, '--live', 'http:/health')
    const { spec } = await brood.show('web')
    assert.deepEqual(spec.live?.probe, { type: 'http', host: '127.0.0.1', path: '/health' })
  })
})

describe('the watchdog', { concurrency: 2 }, () => {
  test(
    'replaces a worker whose loop is blocked, says where, and siblings serve meanwhile',
    bounded,
    async (t) => {
      const { brood, port, before } = await started(t, '-w', '2', '--watchdog', '1s')
      const blocking = get({ port, path: '/block', signal: t.signal }).then(
        () => assert.fail('an endless loop has ended'),
        (error: NodeJS.ErrnoException) => error.code,
      )
      const blocked = await brood.event(({ type }) => type === 'worker-blocked')
      assert.ok(before.includes(Number(blocked.pid)))
      assert.match(blocked.reason ?? '', /^did not turn its event loop for (1s|1\.\d+s|1\d\d\dms)$/)
      assert.match(blocked.detail?.[0] ?? '', /turnForEver \(.*tires\.js:\d+:\d+\)/)
      assert.equal(await blocking, 'ECONNRESET')
      const exited = await brood.event(({ type }) => type === 'worker-exited')
      assert.deepEqual([exited.pid, exited.cause], [blocked.pid, 'crash'])
      assert.match(exited.reason ?? '', /^did not turn its event loop for 1/)
      const next = await brood.event(({ type, id }) => type === 'worker-ready' && id > exited.id)
      const sibling = before.find((pid) => pid !== blocked.pid)
      const asking = keepAsking(askHttp(port), t.signal)
      await asking.answersFrom([Number(sibling), Number(next.pid)])
      assert.deepEqual(await asking.stop(), [])
      const { failure, workers } = await brood.show('web')
      assert.match(failure?.stack ?? '', /turnForEver/)
      assert.equal(failure?.reason, exited.reason)
      assert.equal(workers.find(({ slot }) => slot === blocked.slot)?.restarts, 1)
      const text = await brood.run('show', 'web')
      assert.match(text.stdout, /turnForEver/, text.stderr)
    },
  )

  test('leaves a worker alone that is busy with short tasks', bounded, async (t) => {
    const { brood, port, before } = await started(t, '--watchdog', '500ms')
    const { pid } = await get({ port, path: '/busy?ms=3000', signal: t.signal })
    assert.deepEqual([pid], before)
    const events = await brood.events()
    assert.equal(
      events.some(({ type }) => type === 'worker-blocked'),
      false,
    )
    assert.deepEqual(pidsOf(await brood.show('web')), before)
  })

  test('does not watch a program that somebody debugs', bounded, async (t) => {
    const flags = ['--watchdog', '300ms', '--node-arg=--inspect=127.0.0.1:0']
    const { brood, port, before } = await started(t, ...flags)
    // In another app the same silence is too long.
    const other = await brood.start(program('tires.js'), '--name', 'other', '--watchdog', '300ms')
    const blocking = [port, other.port].map((one) => get({ port: one, path: '/block' }).catch(() => {}))
    await brood.event(({ type, app }) => type === 'worker-blocked' && app === 'other')
    await brood.event(({ type, app }) => type === 'worker-exited' && app === 'other')
    const events = await brood.events()
    assert.equal(
      events.some(({ type, app }) => type === 'worker-blocked' && app === 'web'),
      false,
    )
    assert.deepEqual(pidsOf(await brood.show('web')), before)
    process.kill(Number(before[0]), 'SIGKILL')
    await Promise.all(blocking)
  })

  test('is off where it is told to be', bounded, async (t) => {
    const { brood, port, before } = await started(t, '--watchdog', 'off')
    assert.equal((await brood.show('web')).spec.watchdog, 0)
    const blocking = get({ port, path: '/block' }).catch(() => {})
    const other = await brood.start(program('tires.js'), '--name', 'other', '--watchdog', '300ms')
    const blocked = get({ port: other.port, path: '/block' }).catch(() => {})
    await brood.event(({ type, app }) => type === 'worker-blocked' && app === 'other')
    assert.deepEqual(pidsOf(await brood.show('web')), before)
    process.kill(Number(before[0]), 'SIGKILL')
    await Promise.all([blocking, blocked])
  })
})
