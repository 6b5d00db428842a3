// What a supervisor remembers beyond its own life, and what it forgets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program, type Ran } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'
import { freePort } from '../support/free-port.ts'
import { ownSupervisor } from '../support/own-supervisor.ts'

const bounded = { timeout: 60_000 }
const other = program('http.js')

/** What is remembered of each app. */
function remembered(brood: Brood): { name: string; wanted: string; size: number }[] {
  const { apps } = JSON.parse(readFileSync(join(brood.home, 'state.json'), 'utf8')) as {
    apps: { spec: { name: string }; wanted: string; size: number }[]
  }
  return apps.map(({ spec, wanted, size }) => ({ name: spec.name, wanted, size }))
}

/** Settles when the supervisor has ended in order, and with it the command that it was in the middle of. */
async function terminate(
  brood: Brood,
  supervisor: Awaited<ReturnType<typeof ownSupervisor>>,
  command?: Promise<Ran>,
): Promise<void> {
  const { pid } = await brood.json<SupervisorReport>('show')
  assert.equal(pid, supervisor.pid)
  const ended = once(supervisor, 'exit')
  process.kill(pid, 'SIGTERM')
  assert.deepEqual(await ended, [0, null])
  await command
  assert.deepEqual(brood.processes(), [])
}

describe('after SIGTERM to the supervisor', { concurrency: 3 }, () => {
  test('the next start of any app brings the others back, with their size and their port', {
    ...bounded,
  }, async (t) => {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    const wanted = await freePort()
    const { report } = await brood.start(program('http.js'), '--name', 'web', '--env', `PORT=${wanted}`)
    assert.equal((await brood.run('scale', 'web', '2')).code, 0)
    await terminate(brood, supervisor)
    await assert.rejects(get({ port: wanted, signal: t.signal }), { code: 'ECONNREFUSED' })
    await brood.start(other, '--name', 'other')
    // Its port is bound before its first worker starts, so this waits for it at the most.
    const { pid } = await get({ port: wanted, signal: t.signal })
    await brood.waitForWorker('web', 'ready')
    const apps = await brood.list()
    assert.deepEqual(
      apps.map(({ name, size }) => [name, size]),
      [
        ['web', 2],
        ['other', 1],
      ],
    )
    const [web] = apps
    assert.ok(web)
    assert.equal(portOf(web), wanted)
    assert.deepEqual(web.addresses, report.addresses)
    assert.equal(web.workers.length, 2)
    assert.ok(pidsOf(web).includes(pid))
    assert.equal(pidsOf(report).includes(pid), false)
  })

  test('an app that was stopped comes back stopped, and can be started again', bounded, async (t) => {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    const wanted = await freePort()
    await brood.start(program('http.js'), '--name', 'web', '--env', `PORT=${wanted}`)
    assert.equal((await brood.run('stop', 'web')).code, 0)
    await terminate(brood, supervisor)
    await brood.start(other, '--name', 'other')
    const [web] = await brood.list()
    assert.deepEqual([web?.name, web?.status], ['web', 'stopped'])
    assert.ok(web)
    assert.deepEqual(pidsOf(web), [])
    await assert.rejects(get({ port: wanted, signal: t.signal }), { code: 'ECONNREFUSED' })
    const ran = await brood.run('restart', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const { pid } = await get({ port: wanted, signal: t.signal })
    assert.deepEqual(pidsOf((await brood.list())[0]), [pid])
  })

  test('in the middle of a reload, the app is still wanted and comes back', bounded, async (t) => {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    // The reload cannot be over before it is looked at: its new worker must last for a minute.
    const flags = ['--name', 'web', '--settle', '60s', '--env', 'PORT=0', '--env', 'WORK_MS=300']
    const { report } = await brood.start(program('listens-late.js'), ...flags)
    const reloaded = brood.run('reload', 'web')
    while ((await brood.list())[0]?.status !== 'reloading');
    await terminate(brood, supervisor, reloaded)
    const ran = await reloaded
    assert.equal(ran.code, 4, JSON.stringify(ran))
    assert.match(ran.stderr, /^brood: 'web' was stopped before it was ready/)
    assert.deepEqual(remembered(brood), [{ name: 'web', wanted: 'running', size: 1 }])
    await brood.start(other, '--name', 'other')
    const pid = await brood.waitForWorker('web', 'ready')
    const [web] = await brood.list()
    assert.ok(web)
    assert.equal(pidsOf(report).includes(pid), false)
    assert.equal((await get({ port: portOf(web), signal: t.signal })).pid, pid)
  })

  test('in the middle of a scale, as many come back as were asked for', {
    ...bounded,
  }, async (t) => {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    const flags = ['--name', 'web', '--env', 'PORT=0', '--env', 'WORK_MS=300']
    await brood.start(program('listens-late.js'), ...flags)
    const scaled = brood.run('scale', 'web', '2')
    while ((await brood.list())[0]?.size !== 2);
    await terminate(brood, supervisor, scaled)
    assert.deepEqual(remembered(brood), [{ name: 'web', wanted: 'running', size: 2 }])
    await brood.start(other, '--name', 'other')
    await brood.waitForWorker('web', 'ready')
    assert.equal(pidsOf((await brood.list())[0]).length, 2)
  })
})

describe('an app that cannot be brought back', { concurrency: 2 }, () => {
  /** Its user is not there any more, and a hook is to tell of failures. */
  async function withoutUser(t: TestContext): Promise<Brood> {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    await brood.start(other, '--name', 'web')
    await terminate(brood, supervisor)
    const path = join(brood.home, 'state.json')
    const state = JSON.parse(readFileSync(path, 'utf8'))
    Object.assign(state.apps[0].spec, { uid: 'brood-nobody', hooks: [{ on: ['failed'], run: 'true' }] })
    writeFileSync(path, JSON.stringify(state))
    await brood.start(other, '--name', 'other')
    return brood
  }

  test('keeps nobody else from coming up, and is remembered', bounded, async (t) => {
    const brood = await withoutUser(t)
    const failed = await brood.event(({ type, app }) => type === 'start-failed' && app === 'web')
    assert.match(failed.reason ?? '', /^there is no user 'brood-nobody' on this system: create it/)
    const hook = await brood.event(({ type }) => type === 'hook-failed')
    assert.match(hook.reason ?? '', /^on failed, true: there is no user 'brood-nobody'/)
    assert.deepEqual(
      (await brood.list()).map(({ name, status }) => [name, status]),
      [['other', 'running']],
    )
    assert.deepEqual(remembered(brood), [
      { name: 'other', wanted: 'running', size: 1 },
      { name: 'web', wanted: 'running', size: 1 },
    ])
  })

  test('is forgotten when it is deleted, or another takes its name', bounded, async (t) => {
    const brood = await withoutUser(t)
    assert.equal((await brood.run('delete', 'web')).code, 0)
    assert.deepEqual(remembered(brood), [{ name: 'other', wanted: 'running', size: 1 }])
    assertRefused(await brood.run('delete', 'web'), 3, /no app is named 'web'/)
    await brood.start(other, '--name', 'web')
    assert.equal((await brood.run('delete', 'web')).code, 0)
    assert.deepEqual(remembered(brood), [{ name: 'other', wanted: 'running', size: 1 }])
  })
})

test('an app that is just being restarted for a change is remembered as running', bounded, async (t) => {
  const brood = Brood.create(t)
  const file = new ConfigFile(t)
  const app = { name: 'web', script: other, port: 0, stop: { grace: '60s' } }
  assert.equal((await brood.run('start', file.write([app]))).code, 0)
  const [web] = await brood.list()
  assert.ok(web)
  await beginUpload(t, portOf(web))
  const applied = brood.run('apply', file.write([{ ...app, maxWorkers: 2 }]))
  const pid = await brood.waitForWorker('web', 'draining')
  await brood.start(other, '--name', 'other')
  assert.deepEqual(remembered(brood), [
    { name: 'web', wanted: 'running', size: 1 },
    { name: 'other', wanted: 'running', size: 1 },
  ])
  process.kill(pid, 'SIGKILL')
  assert.equal((await applied).code, 0)
  assert.equal((await brood.run('stop', 'web')).code, 0)
  assert.equal(remembered(brood).find(({ name }) => name === 'web')?.wanted, 'stopped')
})

describe('after brood kill', { concurrency: 3 }, () => {
  test('nothing comes back', bounded, async (t) => {
    const brood = Brood.create(t)
    await brood.start(program('http.js'), '--name', 'web')
    assert.equal((await brood.run('kill')).code, 0)
    assert.deepEqual(brood.processes(), [])
    assert.equal(existsSync(join(brood.home, 'state.json')), false)
    await brood.start(other, '--name', 'other')
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['other'],
    )
    assert.equal(brood.processes().length, 2, 'the supervisor and the worker of the other app')
  })

  test('nothing comes back of what an earlier supervisor had remembered, either', bounded, async (t) => {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    await brood.start(program('http.js'), '--name', 'web')
    await terminate(brood, supervisor)
    assert.deepEqual(remembered(brood), [{ name: 'web', wanted: 'running', size: 1 }])
    const ran = await brood.run('kill')
    assert.deepEqual(
      { code: ran.code, stdout: ran.stdout },
      { code: 0, stdout: 'no supervisor is running\n' },
    )
    await brood.start(other, '--name', 'other')
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['other'],
    )
  })
})

describe('while the supervisor is about to end', { concurrency: 3 }, () => {
  test('it takes no app that would end with it and be forgotten', bounded, async (t) => {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    const { port } = await brood.start(program('http.js'), '--name', 'web', '--grace', '20s')
    const upload = await beginUpload(t, port)
    const ended = once(supervisor, 'exit')
    supervisor.kill('SIGTERM')
    while ((await brood.list())[0]?.status !== 'stopping');
    for (const command of [
      ['start', other, '--name', 'other', '--env', 'PORT=0'],
      ['restart', 'web'],
      ['reload', 'web'],
      ['scale', 'web', '2'],
    ]) {
      assertRefused(await brood.run(...command), 1, /supervisor is about to end/)
    }
    upload.end('!')
    assert.deepEqual(await ended, [0, null])
    assert.deepEqual(brood.processes(), [])
    assert.deepEqual(remembered(brood), [{ name: 'web', wanted: 'running', size: 1 }])
  })

  test('brood kill has it forget everything all the same', bounded, async (t) => {
    const brood = Brood.create(t)
    const supervisor = await ownSupervisor(t, brood.home)
    const { port } = await brood.start(program('http.js'), '--name', 'web', '--grace', '20s')
    const upload = await beginUpload(t, port)
    const ended = once(supervisor, 'exit')
    supervisor.kill('SIGTERM')
    while ((await brood.list())[0]?.status !== 'stopping');
    const killed = brood.run('kill')
    while (existsSync(join(brood.home, 'state.json'))) await brood.list()
    upload.end('!')
    const ran = await killed
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(await ended, [0, null])
    await brood.start(other, '--name', 'other')
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['other'],
    )
  })
})

describe('a start that fails', { concurrency: 3 }, () => {
  test('leaves a stopped app of the same name as it was', bounded, async (t) => {
    const brood = Brood.create(t)
    await brood.start(program('http.js'), '--name', 'web', '-w', '2')
    assert.equal((await brood.run('stop', 'web')).code, 0)
    const before = await brood.list()
    const failed = await brood.run('start', program('crashes-at-boot.js'), '--name', 'web')
    assert.equal(failed.code, 4, failed.stderr)
    assert.deepEqual(await brood.list(), before)
    assert.deepEqual(remembered(brood), [{ name: 'web', wanted: 'stopped', size: 2 }])
    assert.equal((await brood.show('web')).spec.script, program('http.js'))
    const ran = await brood.run('restart', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const [web] = await brood.list()
    assert.ok(web)
    assert.equal(pidsOf(web).length, 2)
    assert.ok(pidsOf(web).includes((await get({ port: portOf(web), signal: t.signal })).pid))
  })

  test('leaves nothing of an app that was not there before', bounded, async (t) => {
    const brood = Brood.create(t)
    const failed = await brood.run('start', program('crashes-at-boot.js'), '--name', 'web')
    assert.equal(failed.code, 4, failed.stderr)
    assert.deepEqual(await brood.list(), [])
    assert.deepEqual(remembered(brood), [])
    assert.equal(brood.processes().length, 1, 'the supervisor')
  })
})

/** A request that its worker has begun with, and that lacks its last byte: until that comes, the worker cannot end. */
async function beginUpload(t: TestContext, port: number): Promise<ClientRequest> {
  const headers = { 'content-length': 1, expect: '100-continue' }
  const upload = request({ host: '127.0.0.1', port, path: '/upload', method: 'POST', headers, agent: false })
  upload.on('error', () => {}) // a test that fails ends its worker
  t.after(() => upload.destroy())
  upload.flushHeaders()
  await once(upload, 'continue', { signal: t.signal })
  return upload
}
