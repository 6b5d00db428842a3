// One supervisor comes after another: by `brood upgrade`, which nobody notices, and after everything was killed.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'
import { post } from '../support/control-socket.ts'
import { startLoad } from '../support/load/index.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const script = program('http.js')

const supervisor = (brood: Brood) => brood.json<SupervisorReport>('show')

const loadOf = (t: TestContext, port: number) =>
  startLoad({
    port,
    signal: t.signal,
    kinds: {
      keepAliveBusy: { clients: 3, pause: 5 },
      keepAliveIdle: { clients: 5, idleFrom: 20, idleTo: 200 },
      short: { clients: 3, pause: 5 },
      stream: { clients: 1 },
    },
  })

describe('an upgrade', { concurrency: 2 }, () => {
  test('fails no request, and the workers stay', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(script, '-w', '2', '--name', 'web')
    await brood.start(script, '--name', 'off')
    assert.equal((await brood.run('stop', 'off')).code, 0)
    const before = pidsOf(report)
    const { pid } = await supervisor(brood)
    const load = loadOf(t, port)
    await load.until(({ total }) => before.every((one) => total.pids.has(one)))
    const upgraded = await brood.json<{ pid: number; version: string; from: string }>('upgrade')
    const after = await supervisor(brood)
    assert.notEqual(after.pid, pid)
    assert.deepEqual(
      [after.pid, after.version, after.version],
      [upgraded.pid, upgraded.version, upgraded.from],
    )
    assert.equal(brood.processes().includes(pid), false, 'the old one is gone')
    for (const one of before) {
      await brood.event((event) => event.type === 'worker-returned' && event.pid === one)
    }
    assert.deepEqual(
      (await brood.list()).map(({ name, status }) => [name, status]),
      [
        ['web', 'running'],
        ['off', 'stopped'],
      ],
    )
    assert.deepEqual(pidsOf(await brood.show('web')), before)
    // The new one does all that the old one did.
    assert.equal((await brood.run('reload', 'web')).code, 0)
    const next = pidsOf(await brood.show('web'))
    await load.until(({ total }) => next.every((one) => total.pids.has(one)))
    const { examples, total } = await load.stop()
    assert.deepEqual(examples, [])
    assert.equal(total.failures, 0)
    assert.equal(brood.processes().length, 3, 'one supervisor, two workers')
  })

  test('after an upgrade is one like any other', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(script, '-w', '2', '--name', 'web')
    const load = loadOf(t, port)
    const seen = new Set([(await supervisor(brood)).pid])
    for (const _ of [1, 2, 3]) {
      const ran = await brood.run('upgrade')
      assert.equal(ran.code, 0, ran.stderr)
      seen.add((await supervisor(brood)).pid)
    }
    assert.equal(seen.size, 4)
    await brood.waitForStatus('web', 'running')
    assert.deepEqual(pidsOf(await brood.show('web')), pidsOf(report))
    const { examples } = await load.stop()
    assert.deepEqual(examples, [])
  })

  const broken: [what: string, command: readonly string[], says: RegExp][] = [
    ['is not there', ['/nowhere/node', 'main.js'], /could not be started \(spawn \/nowhere\/node ENOENT\)/],
    ['ends at once', ['/bin/sh', '-c', 'exit 3'], /ended before it was ready \(code 3\)/],
    ['is something else', ['/bin/sh', '-c', 'echo hello >&3; exec sleep 600'], /answered hello/],
  ]
  for (const [what, command, says] of broken) {
    test(`to a program that ${what} leaves the old one`, bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await brood.start(script, '-w', '2', '--name', 'web')
      const { pid } = await supervisor(brood)
      const load = loadOf(t, port)
      const { status, body } = await post(brood.home, 'upgrade', JSON.stringify({ command }))
      assert.equal(status, 422, body)
      const { error } = JSON.parse(body)
      assert.equal(error.code, 'supervisor_unreachable')
      assert.match(error.message, says)
      assert.match(error.message, /the old one goes on/)
      assert.equal((await supervisor(brood)).pid, pid)
      assert.deepEqual(pidsOf(await brood.show('web')), pidsOf(report))
      assert.equal(brood.processes().length, 3, 'nothing is left of the other')
      // Nor has it lost its power.
      assert.equal((await brood.run('reload', 'web')).code, 0)
      assert.deepEqual((await load.stop()).examples, [])
      const ran = await brood.run('upgrade')
      assert.equal(ran.code, 0, ran.stderr + JSON.stringify(await brood.events(), null, 1).slice(-3000))
    })
  }

  test('without a supervisor says so', bounded, async (t) => {
    const brood = Brood.create(t)
    assertRefused(await brood.run('upgrade'), 3, /no supervisor is running/)
  })
})

describe('after everything was killed, brood start', { concurrency: 2 }, () => {
  async function killAll(brood: Brood): Promise<void> {
    // The supervisor first, and the workers before one of them can bring up another.
    const { pid } = await supervisor(brood)
    const workers = (await brood.list()).flatMap(pidsOf)
    for (const one of [pid, ...workers]) process.kill(one, 'SIGKILL')
    for (;;) {
      const left = brood.processes()
      if (left.length === 0) return
      for (const one of left) process.kill(one, 'SIGKILL')
    }
  }

  test('brings back what was wanted, and leaves what was stopped', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(script, '-w', '2', '--name', 'web')
    await brood.start(script, '--name', 'off')
    await brood.start(script, '--name', 'gone')
    assert.equal((await brood.run('stop', 'off')).code, 0)
    assert.equal((await brood.run('delete', 'gone')).code, 0)
    assert.equal((await brood.run('scale', 'web', '3')).code, 0)
    await killAll(brood)
    const ran = await brood.run('start')
    assert.equal(ran.code, 0, ran.stderr)
    await brood.waitForStatus('web', 'running')
    const list = await brood.list()
    assert.deepEqual(
      list.map(({ name, status, size }) => [name, status, size]),
      [
        ['web', 'running', 3],
        ['off', 'stopped', 1],
      ],
    )
    assert.equal(portOf(list[0] ?? assert.fail()), port, 'on the port it had')
    assert.ok(pidsOf(list[0]).includes((await get({ port })).pid))
    assert.equal((await brood.run('restart', 'off')).code, 0)
  })

  test('says that there is nothing where there was nothing', bounded, async (t) => {
    const brood = Brood.create(t)
    const ran = await brood.run('start')
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(await brood.list(), [])
    assert.equal(brood.processes().length, 1)
  })

  test('starts those first that others depend on', bounded, async (t) => {
    const brood = Brood.create(t)
    const apps = [
      { name: 'web', script, port: 0, dependsOn: ['api'] },
      { name: 'api', script, port: 0, dependsOn: ['db'] },
      { name: 'db', script: program('listens-late.js'), port: 0, env: { WORK_MS: '300' } },
    ]
    assert.equal((await brood.run('start', new ConfigFile(t).write(apps))).code, 0)
    await killAll(brood)
    assert.equal((await brood.run('start')).code, 0)
    const booted = await brood.event(({ type, id }) => type === 'supervisor-started' && id > 0)
    await brood.waitForStatus('web', 'running')
    const events = await brood.events()
    const last = events.findLast(({ type }) => type === 'supervisor-started')
    assert.notEqual(last?.id, booted.id)
    const ready = events.filter(({ type, id }) => type === 'worker-ready' && id > (last?.id ?? 0))
    assert.deepEqual(
      ready.map(({ app }) => app),
      ['db', 'api', 'web'],
    )
  })

  test('has the others run when one cannot, and says why', bounded, async (t) => {
    const brood = Brood.create(t)
    const bad = temporaryProgram(t, 'bad.mjs', `await import(${JSON.stringify(script)})`)
    await brood.start(bad, '--name', 'bad', '--intensity', '1')
    await brood.start(script, '--name', 'good')
    await killAll(brood)
    writeFileSync(bad, `throw new Error('half a deploy')`)
    assert.equal((await brood.run('start')).code, 0)
    await brood.waitForStatus('good', 'running')
    const failed = await brood.event(({ type, app }) => type === 'slot-failed' && app === 'bad')
    assert.match(failed.reason ?? '', /half a deploy/)
    // Both are still wanted.
    await killAll(brood)
    writeFileSync(bad, `await import(${JSON.stringify(script)})`)
    assert.equal((await brood.run('start')).code, 0)
    await brood.waitForStatus('good', 'running')
    await brood.waitForStatus('bad', 'running')
  })

  test('has a proxy run the program of the installation that brings it back', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(script, '--share', 'ports', '--name', 'web')
    const { spec } = await brood.show('web.proxy')
    await killAll(brood)
    // As an installation in another folder would have left it, which has been taken away since.
    const state = join(brood.home, 'state.json')
    const remembered = readFileSync(state, 'utf8')
    const elsewhere = remembered.replaceAll(spec.script, '/opt/older/brood/dist/daemon/front/main.js')
    assert.notEqual(elsewhere, remembered)
    writeFileSync(state, elsewhere)
    assert.equal((await brood.run('start')).code, 0)
    await brood.waitForStatus('web.proxy', 'running')
    assert.equal((await brood.show('web.proxy')).spec.script, spec.script)
    assert.equal((await get({ port })).status, 200)
  })

  test('comes back with the latest description', bounded, async (t) => {
    const brood = Brood.create(t)
    const file = new ConfigFile(t)
    const app = { name: 'web', script: program('as-told.js'), port: 0 }
    await brood.run('apply', file.write([{ ...app, env: { RELEASE: 'first' } }]))
    await brood.run('apply', file.write([{ ...app, env: { RELEASE: 'second' } }]))
    const port = portOf(await brood.show('web'))
    await killAll(brood)
    writeFileSync(join(brood.home, 'events.db'), 'spoilt as well')
    assert.equal((await brood.run('start')).code, 0)
    await brood.waitForStatus('web', 'running')
    assert.equal((await get({ port })).json.release, 'second')
    assert.equal((await brood.run('rollback', 'web')).code, 0)
    assert.equal((await get({ port })).json.release, 'first')
  })
})
