// BROOD_HOME and what may be wrong with it: its rights, what lies in it, and who else is using it at the same time.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused, Beside, brood as command, nobody } from '../support/command.ts'
import { Lifeline } from '../support/lifeline.ts'
import { ownSupervisor } from '../support/own-supervisor.ts'

const timeout = 60_000
const server = program('http.js')
const holdsLifeline = fileURLToPath(new URL('../fixtures/misbehaving/holds-lifeline.js', import.meta.url))

test('a home that belongs to another user is refused, with both users named', { timeout }, async (t) => {
  const brood = Brood.create(t)
  if (!mayBecomeOthers(t)) return
  chownSync(brood.home, nobody, nobody)
  const ran = await brood.run('start', server)
  assertRefused(
    ran,
    1,
    new RegExp(`${brood.home} belongs to another user \\(uid ${nobody}, you are 0\\)`),
    /set BROOD_HOME/,
  )
  assert.deepEqual(brood.processes(), [])
})

test('a home that cannot be written or even entered is refused', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const folder = join(brood.home, 'folder')
  mkdirSync(folder, { mode: 0o555 })
  const uid = mayBecomeOthers(t) ? nobody : undefined
  if (uid === undefined) return
  chmodSync(brood.home, 0o755)
  chownSync(folder, uid, uid)
  assertRefused(await command(['start', server], { home: folder, uid }), 1, /not writable/, /set BROOD_HOME/)
  // Its own folder would have to be created in one that is closed.
  const inner = join(folder, 'inner')
  assertRefused(await command(['start', server], { home: inner, uid }), 1, /not writable/, /set BROOD_HOME/)
  assertRefused(await command(['run', server], { home: inner, uid }), 1, /not writable/, /set BROOD_HOME/)
  chmodSync(brood.home, 0o700)
  assertRefused(await command(['start', server], { home: folder, uid }), 1, /BROOD_HOME/)
  assert.deepEqual(brood.processes(), [])
})

test('a supervisor of another user is not talked to', { timeout }, async (t) => {
  const brood = Brood.create(t)
  if (!mayBecomeOthers(t)) return
  const { report } = await brood.start(server, '--name', 'web')
  const as = { home: brood.home, uid: nobody }
  assertRefused(await command(['list'], as), 1, /control\.sock/, /another user/)
  chmodSync(brood.home, 0o755) // somebody meant well; the socket itself is still closed
  assertRefused(await command(['list'], as), 1, /control\.sock/, /another user/)
  assertRefused(await command(['stop', 'web'], as), 1, /another user/)
  assertRefused(await command(['kill'], as), 1, /another user/)
  const [after] = await brood.list()
  assert.deepEqual(pidsOf(after), pidsOf(report))
})

test('a home that is a file, or too long for a socket, is refused', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const file = join(brood.home, 'file')
  writeFileSync(file, '')
  assertRefused(await command(['start', server], { home: file }), 1, /not a directory/, /set BROOD_HOME/)
  assertRefused(
    await command(['start', server], { home: join(file, 'in') }),
    1,
    /not a directory/,
    /set BROOD_HOME/,
  )
  const long = join(brood.home, 'x'.repeat(100))
  for (const name of ['start', 'run']) {
    assertRefused(await command([name, server], { home: long }), 1, /too long/, /shorter/)
  }
  assertRefused(await command(['list'], { home: long }), 1, /too long/, /shorter/)
  assert.deepEqual(brood.processes(), [])
})

test('a start lock that is no lock is named, with what to do', { timeout }, async (t) => {
  const brood = Brood.create(t)
  writeFileSync(
    join(brood.home, 'start.lock'),
    'this is not a database, and longer than a header of one'.repeat(20),
  )
  const ran = await brood.run('start', server)
  assertRefused(ran, 1, /start\.lock/, /remove/)
  assert.deepEqual(brood.processes(), [])
})

test('a state file that cannot be understood is set aside, and the supervisor starts without it', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  writeFileSync(join(brood.home, 'state.json'), '{"version":1,"apps":[{"spec":')
  await brood.start(server, '--name', 'web')
  const apps = await brood.list()
  assert.deepEqual(
    apps.map(({ name, status }) => ({ name, status })),
    [{ name: 'web', status: 'running' }],
  )
})

test('a supervisor killed with kill -9 leaves no orphans: its workers go on, and end with the next one', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const supervisor = await ownSupervisor(t, brood.home)
  const lifeline = await Lifeline.open(t, brood.home)
  const env = ['--env', `LIFELINE=${lifeline.path}`, '--env', 'PORT=0']
  const { report } = await brood.start(holdsLifeline, '--name', 'web', '-w', '2', ...env)
  const slow = fetch(`http://127.0.0.1:${portOf(report)}/?ms=700`)
  const log = new Beside(t, brood.spawn('logs', '-f', 'web'))
  await log.until(/asked \/\?ms=700/)
  log.child.kill()
  await log.ended
  const gone = once(supervisor, 'exit')
  supervisor.kill('SIGKILL')
  await gone
  const answer = await slow
  assert.ok(
    pidsOf(report).includes(JSON.parse(await answer.text()).pid),
    'the request in progress was answered',
  )
  assert.deepEqual(pidsOf((await brood.list())[0]), pidsOf(report))
  assert.equal((await brood.run('kill')).code, 0)
  for (const pid of pidsOf(report)) await lifeline.gone(pid)
})

test('a socket, a lock and a state left by processes that were all killed are no obstacle', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const supervisor = await ownSupervisor(t, brood.home)
  const lifeline = await Lifeline.open(t, brood.home)
  const env = ['--env', `LIFELINE=${lifeline.path}`, '--env', 'PORT=0']
  const { report } = await brood.start(holdsLifeline, '--name', 'web', ...env)
  const gone = once(supervisor, 'exit')
  // Nothing of it can act in between: neither the worker nor the supervisor is left to bring the other back.
  supervisor.kill('SIGSTOP')
  for (const pid of pidsOf(report)) process.kill(pid, 'SIGKILL')
  supervisor.kill('SIGKILL')
  await gone
  for (const pid of pidsOf(report)) await lifeline.gone(pid)
  assert.deepEqual(await brood.list(), [])
  assertRefused(await brood.run('reload', 'web'), 3, /'web'/, /brood start/)
  const { report: other } = await brood.start(server, '--name', 'other')
  assert.equal(other.status, 'running')
  const names = (await brood.list()).map(({ name }) => name)
  assert.deepEqual(names.toSorted(), ['other', 'web'], 'what the killed supervisor had is wanted still')
})

test('a supervisor that is told to end by SIGTERM ends its apps in order', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const supervisor = await ownSupervisor(t, brood.home)
  const lifeline = await Lifeline.open(t, brood.home)
  const env = ['--env', `LIFELINE=${lifeline.path}`, '--env', 'PORT=0']
  const { report } = await brood.start(holdsLifeline, '--name', 'web', '-w', '2', ...env)
  const ended = once(supervisor, 'exit')
  supervisor.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  for (const pid of pidsOf(report)) await lifeline.gone(pid)
  assert.deepEqual(brood.processes(), [])
})

test('eight starts of different apps at once make one supervisor with eight apps', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const names = Array.from({ length: 8 }, (_, index) => `app${index}`)
  const started = await Promise.all(names.map((name) => brood.start(server, '--name', name)))
  assert.deepEqual(
    started.map(({ report }) => report.status),
    names.map(() => 'running'),
  )
  const apps = await brood.list()
  assert.deepEqual(apps.map(({ name }) => name).toSorted(), names)
  const supervisors = (await brood.events()).filter(({ type }) => type === 'supervisor-started')
  assert.equal(supervisors.length, 1)
  assert.equal(brood.processes().length, 1 + names.length, 'a supervisor and a worker of each')
})

test('of six starts of the same app at once one wins, and the others are told so', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const starts = Array.from({ length: 6 }, () =>
    brood.run('start', server, '--name', 'web', '--env', 'PORT=0', '--json'),
  )
  const ran = await Promise.all(starts)
  const won = ran.filter(({ code }) => code === 0)
  assert.equal(won.length, 1, JSON.stringify(ran))
  for (const { code, stdout } of ran.filter((one) => !won.includes(one))) {
    assert.equal(code, 1)
    assert.match(JSON.parse(stdout).error.code, /^(app_exists|busy)$/)
  }
  const [web] = await brood.list()
  assert.deepEqual(pidsOf(web), pidsOf(JSON.parse(won[0]?.stdout ?? '')))
  assert.equal(brood.processes().length, 2, 'a supervisor and a worker')
})

test('a supervisor of another version is named with both ways out, and can still be ended', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const asked: string[] = []
  const other = createHttpServer((request, response) => {
    asked.push(request.url ?? '')
    response.setHeader('brood-protocol', 99).setHeader('brood-version', '9.9.9')
    response.end(JSON.stringify(request.url === '/v1/kill' ? { apps: 0 } : { pid: 4_194_305, apps: 0 }))
  })
  await occupy(t, brood, other)
  for (const args of [
    ['list'],
    ['start', server],
    ['reload', 'web'],
    ['show', 'web'],
    ['logs'],
    ['events'],
    ['stop', 'all'],
  ]) {
    assertRefused(await brood.run(...args), 1, /brood 9\.9\.9/, /brood kill/)
  }
  assertRefused(await brood.run('run', server), 1, /running already|9\.9\.9/)
  const killed = await brood.run('kill')
  assert.deepEqual({ code: killed.code, stderr: killed.stderr }, { code: 0, stderr: '' })
  assert.ok(asked.includes('/v1/kill'))
  assert.deepEqual(brood.processes(), [])
})

test('a client of another version is refused by the supervisor, too', { timeout }, async (t) => {
  const brood = Brood.create(t)
  await brood.start(server, '--name', 'web')
  const headers = { 'brood-protocol': '99', 'brood-version': '9.9.9' }
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; text: string }>()
  const { request } = await import('node:http')
  const socketPath = join(brood.home, 'control.sock')
  request({ socketPath, path: '/v1/stop', method: 'POST', headers }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    response.once('end', () => resolve({ status: response.statusCode, text }))
  })
    .once('error', reject)
    .end('{"target":"web"}')
  const { status, text } = await promise
  assert.equal(status, 409)
  assert.equal(JSON.parse(text).error.code, 'version_mismatch')
  assert.equal((await brood.list())[0]?.status, 'running')
})

test('what listens on the control socket and is no supervisor is named as such by every command', {
  timeout,
}, async (t) => {
  const answers: [string, (socket: Socket) => void][] = [
    ['speaks another protocol', (socket) => socket.end('220 mail.example.test ESMTP\r\n')],
    ['hangs up', (socket) => socket.destroy()],
    ['is another HTTP server', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]')],
    [
      'answers something that is not JSON',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nbrood-protocol: 1\r\ncontent-length: 1\r\n\r\n{'),
    ],
  ]
  for (const [what, answer] of answers) {
    await t.test(`one that ${what}`, async (t) => {
      const brood = Brood.create(t)
      const stranger = createServer((socket) => {
        socket.on('error', () => {})
        socket.once('data', () => answer(socket))
      })
      const leave = await occupy(t, brood, stranger)
      for (const args of [['list'], ['show'], ['reload', 'web'], ['kill']]) {
        assertRefused(await brood.run(...args), 1, /supervisor/, /control\.sock|JSON/)
      }
      assert.deepEqual(brood.processes(), [])
      await leave()
    })
  }
})

/** A server of the test on the control socket; gone before the brood is ended, which would talk to it. */
async function occupy(t: TestContext, brood: Brood, server: Server): Promise<() => Promise<void>> {
  const path = join(brood.home, 'control.sock')
  await once(server.listen(path), 'listening')
  server.unref()
  t.after(() => server.close())
  return async () => {
    server.close()
    await once(server, 'close')
    rmSync(path, { force: true })
  }
}

function mayBecomeOthers(t: TestContext): boolean {
  if (process.getuid?.() === 0) return true
  t.skip('only root can become another user')
  return false
}
