// A full disk for logs and state: what needs the disk is refused, what runs goes on, what is to end ends.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ownSupervisor } from '../support/own-supervisor.ts'
import { smallDisk } from '../support/small-disk.ts'

const timeout = 60_000
const server = program('http.js')
const chatty = fileURLToPath(new URL('../fixtures/misbehaving/chatty.js', import.meta.url))

test('a start on a full disk says so in one line, and nothing is half-started', { timeout }, async (t) => {
  const small = smallDisk(t)
  if (small === undefined) return
  const { brood, disk } = small
  disk.fill()
  for (const command of ['start', 'run']) {
    assertRefused(
      await brood.run(command, server, '--env', 'PORT=0'),
      1,
      /no space left/,
      /make room/,
      new RegExp(brood.home),
    )
    assert.deepEqual(await brood.list(), [])
  }
  assert.equal(readIfThere(join(brood.home, 'state.json')), '')
  disk.makeRoom()
  const { report } = await brood.start(server, '--name', 'web')
  assert.equal(report.status, 'running', 'with room again')
})

test('a start of one more app on a disk that has become full leaves the others as they are', {
  timeout,
}, async (t) => {
  const small = smallDisk(t)
  if (small === undefined) return
  const { brood, disk } = small
  const { report } = await brood.start(server, '--name', 'web')
  const state = readFileSync(join(brood.home, 'state.json'), 'utf8')
  disk.fill()
  const ran = await brood.run('start', server, '--name', 'more', '--env', 'PORT=0', '-w', '2')
  assertRefused(ran, 1, /no space left/, /make room/)
  const apps = await brood.list()
  assert.deepEqual(apps.map(pidsOf), [pidsOf(report)])
  assert.equal(readFileSync(join(brood.home, 'state.json'), 'utf8'), state, 'the old state is whole')
  assert.equal(brood.processes().length, 2, 'the supervisor and the worker that was there')
})

test('a worker whose log is on a full disk goes on serving, and brood show says what is wrong', {
  timeout,
}, async (t) => {
  const small = smallDisk(t)
  if (small === undefined) return
  const { brood, disk } = small
  const { port, report } = await brood.start(chatty, '--name', 'web')
  const ask = async (path: string): Promise<number> =>
    JSON.parse(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).pid
  const [pid] = pidsOf(report)
  assert.equal(await ask('/10'), pid)
  disk.fill()
  for (let round = 0; round < 5; round++) assert.equal(await ask('/2000'), pid)
  await brood.event(({ type, app, slot }) => type === 'worker-unwritten' && app === 'web' && slot === 0)
  const shown = await brood.run('show', 'web')
  assert.match(shown.stdout, /stdout could not be written .*\(ENOSPC\): make room on the disk/)
  const reports = (await brood.events()).filter(({ type }) => type === 'worker-unwritten')
  assert.ok(
    reports.length <= 10,
    `${reports.length} events for 10,000 lines push everything else out of the history`,
  )
  disk.makeRoom()
  assert.equal(await ask('/say?line=there-is-room-again'), pid)
  assert.match((await brood.run('logs', 'web')).stdout, /there-is-room-again$/m)
  assert.deepEqual(pidsOf((await brood.list())[0]), [pid], 'never restarted')
})

test('a reload, a stop and a kill need no disk', { timeout }, async (t) => {
  const small = smallDisk(t)
  if (small === undefined) return
  const { brood, disk } = small
  const { report } = await brood.start(server, '--name', 'web', '-w', '2')
  disk.fill()
  const reloaded = await brood.run('reload', 'web')
  assert.equal(reloaded.code, 0, reloaded.stderr)
  const [after] = await brood.list()
  assert.equal(
    pidsOf(after).some((pid) => pidsOf(report).includes(pid)),
    false,
  )
  const stopped = await brood.run('stop', 'web')
  assert.equal(stopped.code, 0, stopped.stderr)
  assert.equal(brood.processes().length, 1, 'the supervisor alone')
  const killed = await brood.run('kill')
  assert.equal(killed.code, 0, killed.stderr)
})

test('a supervisor that is told to end on a full disk ends its apps in order', { timeout }, async (t) => {
  const small = smallDisk(t)
  if (small === undefined) return
  const { brood, disk } = small
  const supervisor = await ownSupervisor(t, brood.home)
  await brood.start(server, '--name', 'web', '-w', '2')
  disk.fill()
  const ended = once(supervisor, 'exit')
  supervisor.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  assert.deepEqual(brood.processes(), [])
  assert.equal(existsSync(join(brood.home, 'control.sock')), false)
})

test('what happened on a full disk is told meanwhile, and written when there is room', {
  timeout,
}, async (t) => {
  const small = smallDisk(t)
  if (small === undefined) return
  const { brood, disk } = small
  const supervisor = await ownSupervisor(t, brood.home)
  const { report } = await brood.start(server, '--name', 'web')
  disk.fill()
  // Many more than the room that SQLite has left in its own files.
  for (let round = 0; round < 20; round++) assert.equal((await brood.run('signal', 'web', 'SIGTERM')).code, 0)
  const [first] = pidsOf(report)
  await brood.event(({ type, pid }) => type === 'worker-exited' && pid === first)
  assert.equal((await brood.run('stop', 'web')).code, 0)
  const told = await brood.events()
  assert.ok(told.some(({ type }) => type === 'stopped'))
  disk.makeRoom()
  const gone = once(supervisor, 'exit')
  supervisor.kill('SIGTERM')
  await gone
  const written = await brood.events()
  assert.deepEqual(written.slice(0, told.length), told)
  assert.equal(written.at(-1)?.type, 'supervisor-stopped')
  assert.equal(existsSync(join(brood.home, 'events.db.unreadable')), false)
})

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
