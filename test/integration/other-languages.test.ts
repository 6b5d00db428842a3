// Programs of other languages under the real supervisor: sockets by systemd's protocol, restarts, reloads, and its death.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { get } from '../fixtures/get.ts'
import { askHttp } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const server = fixture('graceful.py')
const skip = spawnSync('python3', ['--version']).status === 0 ? false : 'there is no python3'

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/foreign/${name}`, import.meta.url))
}

/** Flags of an app that answers on a port of its own before it counts as ready. */
async function serving(...flags: string[]): Promise<{ port: number; flags: string[] }> {
  const port = await freePort()
  return { port, flags: ['--name', 'py', '--port', `${port}`, '--ready', `tcp:${port}`, ...flags] }
}

describe('a program of another language', { concurrency: 2, skip }, () => {
  test('gets its socket, several share one, and one that crashes is replaced', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port, flags } = await serving('-w', '3')
    const { report } = await brood.start(server, ...flags)
    const pids = pidsOf(report)
    assert.equal(new Set(pids).size, 3)
    assert.deepEqual(report.addresses, [`*:${port}`])
    const asking = keepAsking(askHttp(port), t.signal, 8)
    await asking.answersFrom(pids)
    assert.deepEqual(await asking.stop(), [])
    await assert.rejects(get({ port, path: '/crash', signal: t.signal }))
    const exited = await brood.event(({ type }) => type === 'worker-exited')
    assert.equal(exited.reason, 'exited with code 9')
    assert.ok(pids.includes(Number(exited.pid)))
    const ready = await brood.event(({ type, pid }) => type === 'worker-ready' && !pids.includes(Number(pid)))
    const after = keepAsking(askHttp(port), t.signal, 8)
    await after.answersFrom([...pids.filter((pid) => pid !== exited.pid), Number(ready.pid)])
    assert.deepEqual(await after.stop(), [])
    const logs = await brood.run('logs', 'py', '--grep', 'serves')
    assert.equal(logs.stdout.match(/LISTEN_FDS=1/g)?.length, 4)
  })

  test('is reloaded without a refused client: the old one is told to end when the new one is ready', {
    ...bounded,
  }, async (t) => {
    const brood = Brood.create(t)
    const { port, flags } = await serving('--env', 'START_S=0.4', '-w', '2')
    const { report } = await brood.start(server, ...flags)
    const asking = keepAsking(askHttp(port), t.signal)
    await asking.answersFrom(pidsOf(report))
    const ran = await brood.run('reload', 'py')
    assert.equal(ran.code, 0, ran.stderr)
    const [after] = await brood.list()
    assert.equal(
      pidsOf(after).some((pid) => pidsOf(report).includes(pid)),
      false,
    )
    await asking.answersFrom(pidsOf(after))
    assert.deepEqual(await asking.stop(), [])
    const events = await brood.events()
    for (const [slot, old] of pidsOf(report).entries()) {
      const ready = events.findIndex(
        ({ type, pid }) => type === 'worker-ready' && pid === pidsOf(after)[slot],
      )
      const ended = events.findIndex(({ type, pid }) => type === 'worker-exited' && pid === old)
      assert.ok(
        0 < ready && ready < ended,
        `the new worker of slot ${slot} was ready before the old one ended`,
      )
    }
    const logs = await brood.run('logs', 'py', '-n', '100')
    const told = pidsOf(report).map((pid) => logs.stdout.includes(`${pid} told to end`))
    assert.deepEqual(told, [true, true], 'by SIGTERM')
  })

  test('that does not become ready is not relied on', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port, flags } = await serving('--ready-timeout', '1s', '--ready', `tcp:${await freePort()}`)
    const ran = await brood.run('start', server, ...flags.slice(0, 4), ...flags.slice(6))
    assert.equal(ran.code, 4, ran.stderr)
    assert.match(ran.stderr, /py\/0 was not ready within 1s/)
    assert.deepEqual(await brood.list(), [])
    await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
  })
})

describe('any program', { concurrency: 2 }, () => {
  test('can be a shell script, whose end is its own, or a binary', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = fixture('traps-sigterm.sh')
    const report = await brood.launch(script, '--name', 'sh', '--', 'one')
    const [shell] = pidsOf(report)
    await brood.launch('/bin/sleep', '--interpreter', 'none', '--name', 'sleep', '-w', '2', '--', '1000')
    assert.deepEqual(
      (await brood.list()).map(({ name, status, workers }) => [name, status, workers.length]),
      [
        ['sh', 'running', 1],
        ['sleep', 'running', 2],
      ],
    )
    const stopped = await brood.run('stop', 'sh')
    assert.equal(stopped.code, 0, stopped.stderr)
    const logs = await brood.run('logs', 'sh', '--out')
    assert.equal(logs.stdout, `sh/0 | ready ${shell} one\nsh/0 | ended in order\n`)
    const ran = await brood.run('delete', 'all')
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal(brood.processes().length, 1, 'the supervisor')
  })

  test(
    'whose first line names an interpreter that is not there is refused, and never counts as ready',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const script = temporaryProgram(t, 'lost.sh', '#!/no/such/interpreter\n')
      chmodSync(script, 0o755)
      const ran = await brood.run('start', script, '--interpreter', 'none')
      assert.equal(ran.code, 1)
      assert.match(ran.stderr, /lost\.sh' could not be started: .*interpreter in its first line is missing/)
      const events = await brood.run('events')
      assert.doesNotMatch(events.stdout, /is ready/)
    },
  )

  test('that has no Node in it is told what is not for it', bounded, async (t) => {
    const brood = Brood.create(t)
    const sleep = ['start', '/bin/sleep', '--interpreter', 'none']
    for (const [flag, value, says] of [
      ['--ready', 'message', /spawn/],
      ['--ready', 'listening', /spawn/],
      ['--ready', 'http:/healthz', /port/],
      ['--live', 'http:/healthz', /port/],
    ] as const) {
      assertRefused(await brood.run(...sleep, flag, value), 2, new RegExp(`${flag}.*: `), says)
    }
    assert.deepEqual(brood.processes(), [])
  })
})

describe('when the supervisor is killed', { concurrency: 2, skip }, () => {
  test(
    'beside a Node app the same processes are taken back, and their end is noticed',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { port, flags } = await serving('-w', '2')
      const { report } = await brood.start(server, ...flags)
      const node = await brood.start(program('http.js'), '--name', 'web')
      const asking = keepAsking(askHttp(port), t.signal)
      await asking.answersFrom(pidsOf(report))
      const killed = await brood.killSupervisor()
      await brood.event(({ type, pid }) => type === 'supervisor-replaced' && pid !== killed)
      await brood.event(({ type, app }) => type === 'worker-returned' && app === 'web')
      const back = await brood.list()
      assert.deepEqual(
        back.map(({ name, status, addresses }) => [name, status, addresses]),
        [
          ['py', 'running', [`*:${port}`]],
          ['web', 'running', node.report.addresses],
        ],
      )
      assert.deepEqual(back.map(pidsOf), [pidsOf(report), pidsOf(node.report)])
      const [first, second] = pidsOf(report)
      assert.ok(first !== undefined && second !== undefined)
      process.kill(first, 'SIGTERM') // a graceful end, so that no client notices
      await brood.event(({ type, pid }) => type === 'worker-exited' && pid === first)
      const next = await brood.event(
        ({ type, app, pid }) => type === 'worker-ready' && app === 'py' && pid !== first && pid !== second,
      )
      await asking.answersFrom([Number(next.pid)])
      const ran = await brood.run('reload', 'py')
      assert.equal(ran.code, 0, ran.stderr)
      const reloaded = pidsOf((await brood.list())[0])
      assert.equal(new Set([...reloaded, first, second, next.pid]).size, 5)
      await asking.answersFrom(reloaded)
      assert.deepEqual(await asking.stop(), [])
    },
  )

  test('and all programs are of other languages, the next command brings one, which takes them back', {
    ...bounded,
  }, async (t) => {
    const brood = Brood.create(t)
    const { port, flags } = await serving()
    const { report } = await brood.start(server, ...flags)
    const script = temporaryProgram(t, 'waits.sh', 'while :; do sleep 1000 & wait $!; done\n')
    const shell = await brood.launch(script, '--name', 'sh')
    const killed = await brood.killSupervisor()
    assert.equal((await get({ port, signal: t.signal })).pid, pidsOf(report)[0], 'it serves on')
    const begun = performance.now()
    const back = await brood.list()
    assert.ok(performance.now() - begun < 10_000, 'nobody is waited for who cannot come')
    assert.deepEqual(back.map(pidsOf), [pidsOf(report), pidsOf(shell)])
    assert.notEqual((await brood.json<SupervisorReport>('show')).pid, killed)
    assert.equal((await get({ port, signal: t.signal })).pid, pidsOf(report)[0])
    const ran = await brood.run('reload', 'all')
    assert.equal(ran.code, 0, ran.stderr)
    const [py] = await brood.list()
    assert.deepEqual(py?.addresses, [`*:${port}`])
    const asking = keepAsking(askHttp(port), t.signal)
    await asking.answersFrom(pidsOf(py))
    assert.deepEqual(await asking.stop(), [])
    assert.equal((await brood.run('stop', 'all')).code, 0)
    await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
    assert.equal(brood.processes().length, 1, 'the supervisor')
  })

  test('brood kill ends what nobody else could', bounded, async (t) => {
    const brood = Brood.create(t)
    await brood.launch('/bin/sleep', '--interpreter', 'none', '--name', 'sleep', '--', '1000')
    await brood.killSupervisor()
    const ran = await brood.run('kill')
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(brood.processes(), [])
    assert.equal(spawnSync('ls', [join(brood.home, 'state.json')]).status, 2)
  })
})
