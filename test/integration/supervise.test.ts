// `brood supervise` without systemd: the very process becomes the supervisor, and gives way to one that is there.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { Brood, program } from '../support/brood.ts'
import { Beside, bin, start } from '../support/command.ts'

const timeout = 30_000

/** Each look is a command of its own. */
async function supervisorOf(brood: Brood): Promise<SupervisorReport> {
  for (;;) {
    const ran = await brood.run('show', '--json')
    if (ran.code === 0) return JSON.parse(ran.stdout)
  }
}

function shell(t: TestContext, brood: Brood, variables: string): Beside {
  const line = `${variables} exec "$0" "$@"`
  return new Beside(
    t,
    start('/bin/sh', ['-c', line, process.execPath, bin, 'supervise'], { home: brood.home }),
  )
}

for (const [how, variables] of [
  ['in place of the command', ''],
  ['in the same process, when it got sockets from systemd', 'LISTEN_PID=$$ LISTEN_FDS=0'],
] as const) {
  test(`it is the supervisor, ${how}; SIGTERM ends it and is remembered`, { timeout }, async (t) => {
    const brood = Brood.create(t)
    const service = shell(t, brood, variables)
    assert.equal((await supervisorOf(brood)).pid, service.child.pid)
    await brood.start(program('http.js'), '--name', 'web')
    service.child.kill('SIGTERM')
    assert.equal((await service.ended).code, 0)
    assert.deepEqual(brood.processes(), [])
    const again = shell(t, brood, variables)
    await supervisorOf(brood)
    await brood.waitForWorker('web', 'ready')
    again.child.kill('SIGTERM')
    assert.deepEqual(await again.ended, { code: 0, stdout: '', stderr: '' })
  })
}

test('with a supervisor there already it ends, and leaves that one be', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const { report } = await brood.start(program('http.js'), '--name', 'web')
  const before = await brood.json<SupervisorReport>('show')
  const ran = await brood.run('supervise')
  assert.deepEqual(ran, { code: 0, stdout: '', stderr: '' })
  assert.equal((await brood.json<SupervisorReport>('show')).pid, before.pid)
  assert.deepEqual(
    (await brood.list())[0]?.workers.map(({ pid }) => pid),
    report.workers.map(({ pid }) => pid),
  )
})

test('two at once: one supervises, the other gives way', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const both = [shell(t, brood, ''), shell(t, brood, '')]
  const first = await Promise.race(both.map(async (one) => ({ one, ran: await one.ended })))
  assert.equal(first.ran.code, 0, first.ran.stderr)
  const other = both.find((one) => one !== first.one)
  assert.equal((await supervisorOf(brood)).pid, other?.child.pid)
})

test('it is not in the list of commands', { timeout }, async (t) => {
  const { stdout } = await Brood.create(t).run('--help')
  assert.match(stdout, /^ {2}startup/m)
  assert.doesNotMatch(stdout, /^ {2}supervise/m)
})
