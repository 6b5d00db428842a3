// Listening sockets that a service manager has opened: used by the app, kept over its end, a reload and a killed supervisor.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { get } from '../fixtures/get.ts'
import { askHttp } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { bin, environmentOf } from '../support/command.ts'

const bounded = { timeout: 40_000 }
const script = fileURLToPath(new URL('../fixtures/foreign/socket-manager.py', import.meta.url))
const skip = spawnSync('python3', ['--version']).status === 0 ? false : 'there is no python3'

interface Manager {
  readonly port: number
  /** Kills the supervisor; settles when it is gone. The socket stays. */
  kill(): Promise<void>
}

/** `sockets`: how many, all of one address. */
async function manager(t: TestContext, brood: Brood, sockets = 1): Promise<Manager> {
  const python = spawn(
    'python3',
    [script, String(sockets), '/usr/bin/env', `BROOD_HOME=${brood.home}`, process.execPath, bin, 'supervise'],
    {
      env: environmentOf('/'), // it is no process of brood's
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  t.after(() => python.kill('SIGKILL'))
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  const [port = 0, pid = 0] = String((await lines.next()).value)
    .split(' ')
    .map(Number)
  while ((await brood.run('show')).code !== 0);
  return {
    port,
    async kill() {
      process.kill(pid, 'SIGKILL')
      assert.equal((await lines.next()).value, 'ended')
    },
  }
}

describe('with a socket from the service manager', { concurrency: 3, skip }, () => {
  test(
    'an app serves on it, is reloaded, stopped and started again, and it stays open',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { port } = await manager(t, brood)
      const { report } = await startWeb(brood, port)
      assert.deepEqual(report.addresses, [`*:${port}`])
      const asking = keepAsking(askHttp(port), t.signal)
      await asking.answersFrom(pidsOf(report))
      const ran = await brood.run('reload', 'web')
      assert.equal(ran.code, 0, ran.stderr)
      const [after] = await brood.list()
      await asking.answersFrom(pidsOf(after))
      assert.deepEqual(await asking.stop(), [])
      const stopped = await brood.run('stop', 'web')
      assert.equal(stopped.code, 0, stopped.stderr)
      const waiting = get({ port, signal: t.signal }) // in the manager's queue
      const started = await brood.run('restart', 'web')
      assert.equal(started.code, 0, started.stderr)
      assert.ok(pidsOf((await brood.list())[0]).includes((await waiting).pid))
    },
  )

  test('a killed supervisor is brought back, and a later reload works', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port, kill } = await manager(t, brood)
    const { report } = await startWeb(brood, port)
    const asking = keepAsking(askHttp(port), t.signal)
    await kill()
    await allReturned(brood, pidsOf(report))
    const [back] = await brood.list()
    assert.deepEqual([back?.status, back?.addresses], ['running', [`*:${port}`]])
    assert.deepEqual(pidsOf(back), pidsOf(report))
    const ran = await brood.run('reload', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const scaled = await brood.run('scale', 'web', '3')
    assert.equal(scaled.code, 0, scaled.stderr)
    await asking.answersFrom(pidsOf((await brood.list())[0]))
    assert.deepEqual(await asking.stop(), [])
  })

  for (const share of ['slots', 'shared', 'balanced']) {
    test(
      `stopped and started under the next supervisor, an app in mode ${share} has it still`,
      bounded,
      async (t) => {
        const brood = Brood.create(t)
        const { port, kill } = await manager(t, brood)
        await brood.start(program('http.js'), '--name', 'web', '--share', share, '--env', `PORT=${port}`)
        await brood.start(program('http.js'), '--name', 'other')
        await kill()
        await brood.event(({ type, app }) => type === 'worker-returned' && app === 'web')
        const stopped = await brood.run('stop', 'web')
        assert.equal(stopped.code, 0, stopped.stderr)
        const waiting = get({ port, signal: t.signal })
        const started = await brood.run('restart', 'web')
        assert.equal(started.code, 0, started.stderr)
        assert.deepEqual([(await waiting).pid], pidsOf((await brood.list())[0]))
      },
    )
  }

  test(
    'an app that was stopped when the supervisor died, and one that is new, have it',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { port, kill } = await manager(t, brood)
      const env = ['--env', `PORT=${port}`]
      await brood.start(program('http.js'), '--name', 'web', ...env)
      await brood.start(program('http.js'), '--name', 'other')
      assert.equal((await brood.run('stop', 'web')).code, 0)
      await kill()
      await brood.event(({ type, app }) => type === 'worker-returned' && app === 'other')
      const started = await brood.run('restart', 'web')
      assert.equal(started.code, 0, started.stderr)
      const { pid } = await get({ port, signal: t.signal })
      assert.deepEqual([pid], pidsOf((await brood.list()).find(({ name }) => name === 'web')))
      assert.equal((await brood.run('delete', 'web')).code, 0)
      const { report } = await brood.start(program('http.js'), '--name', 'new', ...env)
      assert.deepEqual([(await get({ port, signal: t.signal })).pid], pidsOf(report))
    },
  )

  test(
    'of several sockets every one is served, also after a stop under the next supervisor',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { port, kill } = await manager(t, brood, 3)
      const { report } = await startWeb(brood, port)
      const asking = keepAsking(askHttp(port), t.signal)
      await kill()
      await allReturned(brood, pidsOf(report))
      const reloaded = await brood.run('reload', 'web')
      assert.equal(reloaded.code, 0, reloaded.stderr)
      await asking.answersFrom(pidsOf((await brood.list())[0]))
      assert.deepEqual(await asking.stop(), [])
      assert.equal((await brood.run('stop', 'web')).code, 0)
      // So many that the kernel puts some into each queue.
      const waiting = Array.from({ length: 30 }, () => get({ port, signal: t.signal }))
      const started = await brood.run('restart', 'web')
      assert.equal(started.code, 0, started.stderr)
      const pids = pidsOf((await brood.list())[0])
      for (const one of await Promise.all(waiting)) assert.ok(pids.includes(one.pid))
    },
  )
})

function startWeb(brood: Brood, port: number): ReturnType<Brood['start']> {
  return brood.start(program('http.js'), '--name', 'web', '-w', '2', '--env', `PORT=${port}`)
}

/** To the supervisor that has come after the killed one. */
async function allReturned(brood: Brood, pids: readonly number[]): Promise<void> {
  for (const pid of pids) await brood.event((event) => event.type === 'worker-returned' && event.pid === pid)
}
