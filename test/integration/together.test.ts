// Apps that belong together: who waits for whom, in which order they end, and who falls and rises with whom.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'
import { Service } from '../support/service.ts'

const bounded = { timeout: 60_000 }
const script = program('http.js')

/** Apps of one worker each, with what they depend on, as they stand in the file. */
function chain(...links: readonly [name: string, ...dependsOn: string[]][]): object[] {
  return links.map(([name, ...dependsOn]) => ({ name, script, port: 0, dependsOn }))
}

async function eventsOf(brood: Brood, ...types: string[]): Promise<string[]> {
  const events = await brood.events()
  return events.filter(({ type }) => types.includes(type)).map(({ app }) => app ?? '')
}

describe('apps that depend on others', { concurrency: 2 }, () => {
  test('start after them and end before them', bounded, async (t) => {
    const brood = Brood.create(t)
    const path = new ConfigFile(t).write(chain(['web', 'api'], ['api', 'db'], ['db']))
    const ran = await brood.run('start', path)
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(await eventsOf(brood, 'started'), ['db', 'api', 'web'])
    assert.equal((await brood.run('stop', 'all')).code, 0)
    assert.deepEqual(await eventsOf(brood, 'stopped'), ['web', 'api', 'db'])
  })

  test('are deleted in the same order, and by the end of the supervisor, too', bounded, async (t) => {
    const brood = Brood.create(t)
    const path = new ConfigFile(t).write(chain(['web', 'api'], ['api', 'db'], ['db']))
    assert.equal((await brood.run('start', path)).code, 0)
    assert.equal((await brood.run('delete', 'all')).code, 0)
    assert.deepEqual(await eventsOf(brood, 'stopped'), ['web', 'api', 'db'])
    assert.equal((await brood.run('start', path)).code, 0)
    assert.equal((await brood.run('kill')).code, 0)
    assert.deepEqual(await eventsOf(brood, 'stopped'), ['web', 'api', 'db', 'web', 'api', 'db'])
  })

  test('wait for a stopped one no longer than they may take to start', bounded, async (t) => {
    const brood = Brood.create(t)
    await brood.start(script, '--name', 'db')
    assert.equal((await brood.run('stop', 'db')).code, 0)
    const flags = ['--name', 'web', '--env', 'PORT=0', '--depends-on', 'db', '--ready-timeout', '500ms']
    const ran = await brood.run('start', script, ...flags)
    assertRefused(ran, 4, /^brood: 'web' waits for db, which is stopped; not there within 500ms/)
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['db'],
    )
  })

  test('go on when it comes', bounded, async (t) => {
    const brood = Brood.create(t)
    await brood.start(script, '--name', 'db')
    assert.equal((await brood.run('stop', 'db')).code, 0)
    const started = brood.run('start', script, '--name', 'web', '--env', 'PORT=0', '--depends-on', 'db')
    const waiting = await brood.event(({ type }) => type === 'app-waiting')
    assert.deepEqual([waiting.app, waiting.reason, waiting.cause], ['web', 'db', 'is stopped'])
    await brood.waitForStatus('web', 'waiting')
    assert.equal((await brood.run('restart', 'db')).code, 0)
    const ran = await started
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal((await brood.show('web')).status, 'running')
  })

  test('may be stopped while they wait', bounded, async (t) => {
    const brood = Brood.create(t)
    const service = await Service.create(t)
    assert.equal((await brood.run('start')).code, 0, 'a supervisor runs, whose events can be followed')
    const on = `tcp:127.0.0.1:${service.port}`
    const started = brood.run('start', script, '--name', 'web', '--env', 'PORT=0', '--depends-on', on)
    await brood.event(({ type }) => type === 'app-waiting')
    assert.equal((await brood.run('stop', 'web')).code, 0)
    assertRefused(await started, 1, /'web' does not wait for tcp:127\.0\.0\.1:\d+ any more/)
  })

  test('hold their name while they wait', bounded, async (t) => {
    const brood = Brood.create(t)
    const service = await Service.create(t)
    assert.equal((await brood.run('start')).code, 0, 'a supervisor runs, whose events can be followed')
    const on = `tcp:127.0.0.1:${service.port}`
    const start = ['start', script, '--name', 'web', '--env', 'PORT=0', '--depends-on', on]
    const started = brood.run(...start)
    await brood.event(({ type }) => type === 'app-waiting')
    const again = await brood.run('start', script, '--name', 'web', '--env', 'PORT=0')
    assertRefused(again, 1, /'web' is just being started/, /'brood stop web'/)
    await service.open()
    assert.equal((await started).code, 0)
    // Of each worker that was ever started something is known.
    const known = (await brood.list()).flatMap(pidsOf)
    const pids = (await brood.events()).filter(({ type }) => type === 'worker-started').map(({ pid }) => pid)
    assert.deepEqual(pids, known)
  })

  test('make room for another of their name after a boot', bounded, async (t) => {
    const brood = Brood.create(t)
    const service = await Service.create(t)
    assert.equal((await brood.run('start')).code, 0, 'a supervisor runs, whose events can be followed')
    await service.open()
    const on = `http://127.0.0.1:${service.port}/`
    const { report: first } = await brood.start(script, '--name', 'web', '--depends-on', on)
    service.status = 503
    const { pid } = await brood.json<{ pid: number }>('show')
    for (const one of [pid, ...pidsOf(first)]) process.kill(one, 'SIGKILL')
    assert.equal((await brood.run('start')).code, 0)
    await brood.waitForStatus('web', 'waiting')
    const { report } = await brood.start(script, '--name', 'web')
    service.status = 200
    // Two more that wait for it, one after the other: by then the one before would have asked again, and come up.
    for (const name of ['second', 'third']) await brood.start(script, '--name', name, '--depends-on', on)
    assert.equal((await brood.run('reload', 'third')).code, 0)
    const events = (await brood.events()).filter(({ app }) => app === 'web')
    const pids = events.filter(({ type }) => type === 'worker-started').map((event) => event.pid)
    assert.deepEqual(pids, [...pidsOf(first), ...pidsOf(report)])
    assert.deepEqual(pidsOf(await brood.show('web')), pidsOf(report))
    assert.deepEqual(
      events.filter(({ type }) => type === 'start-failed'),
      [],
    )
  })

  test('in a circle are refused, with the circle', bounded, async (t) => {
    const brood = Brood.create(t)
    const path = new ConfigFile(t).write(chain(['web', 'api'], ['api', 'db'], ['db', 'web']))
    for (const command of ['start', 'apply']) {
      assertRefused(
        await brood.run(command, path),
        2,
        /web → api → db → web/,
        /take one of the dependencies away/,
      )
    }
    assert.deepEqual(brood.processes(), [])
  })

  test('in a circle with one that runs are refused, and it goes on', bounded, async (t) => {
    const brood = Brood.create(t)
    await brood.start(script, '--name', 'db')
    await brood.start(script, '--name', 'web', '--depends-on', 'db')
    const before = pidsOf(await brood.show('web'))
    assert.equal((await brood.run('stop', 'db')).code, 0)
    const ran = await brood.run('start', script, '--name', 'db', '--depends-on', 'web')
    assertRefused(ran, 2, /web → db → web|db → web → db/, /take one of the dependencies away/)
    assert.deepEqual(pidsOf(await brood.show('web')), before)
    assert.deepEqual((await brood.show('db')).spec.dependsOn, [])
  })
})

describe('an app that depends on a service outside', { concurrency: 2 }, () => {
  test('waits until its port is open', bounded, async (t) => {
    const brood = Brood.create(t)
    const service = await Service.create(t)
    assert.equal((await brood.run('start')).code, 0, 'a supervisor runs, whose events can be followed')
    const on = `tcp:127.0.0.1:${service.port}`
    const started = brood.run('start', script, '--name', 'web', '--env', 'PORT=0', '--depends-on', on)
    const waiting = await brood.event(({ type }) => type === 'app-waiting')
    assert.deepEqual([waiting.reason, waiting.cause], [on, 'connection refused'])
    const [web] = await brood.list()
    assert.deepEqual([web?.status, pidsOf(web)], ['waiting', []])
    assert.match((await brood.run('list')).stdout, /waiting/)
    await service.open()
    const ran = await started
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal((await brood.show('web')).status, 'running')
  })

  test('waits until it answers well', bounded, async (t) => {
    const brood = Brood.create(t)
    const service = await Service.create(t)
    assert.equal((await brood.run('start')).code, 0, 'a supervisor runs, whose events can be followed')
    service.status = 503
    await service.open()
    const on = `http://127.0.0.1:${service.port}/health`
    const started = brood.run('start', script, '--name', 'web', '--env', 'PORT=0', '--depends-on', on)
    const waiting = await brood.event(({ type }) => type === 'app-waiting')
    assert.deepEqual([waiting.reason, waiting.cause], [on, 'answered 503'])
    service.status = 200
    const ran = await started
    assert.equal(ran.code, 0, ran.stderr)
  })

  test('waits for it again after a boot, for as long as it takes', bounded, async (t) => {
    const brood = Brood.create(t)
    const service = await Service.create(t)
    assert.equal((await brood.run('start')).code, 0, 'a supervisor runs, whose events can be followed')
    await service.open()
    const on = `http://127.0.0.1:${service.port}/`
    const flags = ['--depends-on', on, '--ready-timeout', '1s']
    await brood.start(script, '--name', 'web', ...flags)
    service.status = 503
    const { pid } = await brood.json<{ pid: number }>('show')
    for (const one of [pid, ...pidsOf(await brood.show('web'))]) process.kill(one, 'SIGKILL')
    const booted = await brood.run('start')
    assert.equal(booted.code, 0, booted.stderr)
    await brood.waitForStatus('web', 'waiting')
    service.status = 200
    await brood.waitForStatus('web', 'running')
  })
})

describe('apps of a group', { concurrency: 2 }, () => {
  /** Three apps, the second with nothing to restart it gently: each crash is told apart by its app. */
  async function group(t: TestContext, strategy: string) {
    const brood = Brood.create(t)
    const apps = chain(['first'], ['second', 'first'], ['third', 'second'])
    const groups = { backend: { strategy, apps: ['first', 'second', 'third'] } }
    const ran = await brood.run('start', new ConfigFile(t).write([...apps, ...chain(['alone'])], { groups }))
    assert.equal(ran.code, 0, ran.stderr)
    return { brood, before: await pids(brood) }
  }

  async function pids(brood: Brood): Promise<Record<string, number | undefined>> {
    return Object.fromEntries((await brood.list()).map((report) => [report.name, pidsOf(report)[0]]))
  }

  const cases = [
    { strategy: 'one-for-one', falls: 'second', follow: [] },
    { strategy: 'one-for-all', falls: 'second', follow: ['first', 'third'] },
    { strategy: 'rest-for-one', falls: 'second', follow: ['third'] },
    { strategy: 'rest-for-one', falls: 'first', follow: ['second', 'third'] },
  ]
  for (const { strategy, falls, follow } of cases) {
    test(
      `${strategy}: when ${falls} falls, ${follow.join(' and ') || 'nobody'} follows`,
      bounded,
      async (t) => {
        const { brood, before } = await group(t, strategy)
        process.kill(Number(before[falls]), 'SIGKILL')
        for (const name of [falls, ...follow]) {
          await brood.event(
            ({ type, app, pid }) => type === 'worker-ready' && app === name && pid !== before[name],
          )
        }
        for (const name of Object.keys(before)) await brood.waitForStatus(name, 'running')
        const after = await pids(brood)
        const replaced = Object.keys(before).filter((name) => after[name] !== before[name])
        assert.deepEqual(new Set(replaced), new Set([falls, ...follow]))
        const events = await brood.events()
        const followers = events.filter(({ cause }) => cause === `dependency ${falls}`)
        assert.deepEqual(
          followers.filter(({ reason }) => reason === 'stop').map(({ app }) => app),
          follow.toReversed(),
        )
        assert.deepEqual(
          followers.filter(({ reason }) => reason === 'start').map(({ app }) => app),
          follow,
        )
      },
    )
  }

  test('do not fall with one that cannot be started', bounded, async (t) => {
    const brood = Brood.create(t)
    const [first, second] = chain(['first'], ['second', 'first'])
    const bad = { ...second, script: program('crashes-at-boot.js') }
    const file = new ConfigFile(t)
    const apply = (...apps: object[]) => {
      const names = apps.map((_, index) => ['first', 'second'][index])
      const groups = { backend: { strategy: 'one-for-all', apps: names } }
      return brood.run('apply', file.write(apps, { groups }))
    }
    assert.equal((await apply(first ?? {})).code, 0)
    const ran = await apply(first ?? {}, bad)
    assert.equal(ran.code, 4, ran.stderr)
    // What is done after it is told after it.
    assert.equal((await brood.run('signal', 'first', 'SIGCONT')).code, 0)
    const ended = (await brood.events()).filter(
      ({ type, app }) => type === 'worker-exited' && app === 'first',
    )
    assert.deepEqual(ended, [])
    const asked = (await brood.events()).filter(({ cause }) => cause?.startsWith('dependency '))
    assert.deepEqual(asked, [])
  })

  /** Two apps, of which the first has fallen for a minute, and the second was ended for its sake. */
  async function fallen(t: TestContext): Promise<{ brood: Brood; path: string }> {
    const brood = Brood.create(t)
    const restart = { backoff: { from: '60s' } }
    const apps = chain(['first'], ['second', 'first']).map((app, index) =>
      index === 0 ? { ...app, restart } : app,
    )
    const groups = { backend: { strategy: 'one-for-all', apps: ['first', 'second'] } }
    const path = new ConfigFile(t).write(apps, { groups })
    assert.equal((await brood.run('start', path)).code, 0)
    // The first crash is restarted at once.
    for (const _ of [1, 2]) {
      const pid = await brood.waitForWorker('first', 'ready')
      await brood.waitForWorker('second', 'ready')
      process.kill(pid, 'SIGSEGV')
      await brood.event((event) => event.type === 'worker-exited' && event.pid === pid)
    }
    await brood.event(({ type, app }) => type === 'worker-backoff' && app === 'first')
    await brood.waitForStatus('second', 'stopped')
    return { brood, path }
  }

  const startedFor = async (brood: Brood): Promise<string[]> =>
    (await brood.events()).flatMap(({ type, app, pid }) =>
      type === 'worker-started' ? [`${app} ${pid}`] : [],
    )

  test('that was deleted while it waited for the one that fell is not brought back', bounded, async (t) => {
    const { brood } = await fallen(t)
    const before = await startedFor(brood)
    assert.equal((await brood.run('delete', 'all')).code, 0)
    const { report } = await brood.start(script, '--name', 'other')
    assert.deepEqual(await startedFor(brood), [...before, `other ${pidsOf(report)[0]}`])
    const { pid } = await brood.json<{ pid: number }>('show')
    assert.deepEqual(new Set(brood.processes()), new Set([pid, ...pidsOf(report)]))
  })

  test('that was stopped while it waited for the one that fell stays so', bounded, async (t) => {
    const { brood } = await fallen(t)
    assert.equal((await brood.run('stop', 'second')).code, 0)
    assert.equal((await brood.run('reload', 'first')).code, 0)
    await brood.waitForStatus('first', 'running')
    assert.equal((await brood.run('reload', 'first')).code, 0)
    assert.equal((await brood.show('second')).status, 'stopped')
  })
})
