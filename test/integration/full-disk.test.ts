// A full disk for logs and state: what needs the disk is refused, what runs goes on, what is to end ends.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ownSupervisor } from '../support/own-supervisor.ts'

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

interface Disk {
  fill(): void
  makeRoom(): void
}

/** A brood whose home is on a disk of 1 MB; undefined, and the test skipped, where none can be mounted. */
function smallDisk(t: TestContext): { brood: Brood; disk: Disk } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'brood-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    rmdirSync(folder)
    t.skip('no file system can be mounted here (that takes root, and a container that may)')
    return undefined
  }
  const unmount = (): void => {
    execFileSync('umount', ['--lazy', folder])
    rmdirSync(folder)
  }
  try {
    const brood = createIn(t, folder)
    t.after(unmount) // after the brood's own end, which removes its home
    return { brood, disk: diskAt(join(folder, 'filling')) }
  } catch (error) {
    unmount()
    throw error
  }
}

/** A brood whose home is there; `os.tmpdir()` looks at TMPDIR each time it is asked. */
function createIn(t: TestContext, folder: string): Brood {
  const usual = tmpdir()
  process.env.TMPDIR = folder
  try {
    return Brood.create(t, { TMPDIR: usual })
  } finally {
    process.env.TMPDIR = usual
  }
}

function diskAt(path: string): Disk {
  return {
    fill() {
      const fd = openSync(path, 'a')
      const block = Buffer.alloc(4096)
      try {
        for (;;) writeSync(fd, block)
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error))
      } finally {
        closeSync(fd)
      }
    },
    makeRoom: () => rmSync(path),
  }
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
