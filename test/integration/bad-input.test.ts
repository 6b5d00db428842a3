// Guarantee 8, on the command line: what cannot be done is refused in one line that says what to do, and nothing is begun.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused, bin, brood as command, nobody, ranOf, start } from '../support/command.ts'

const timeout = 60_000
const server = program('http.js')

test('a Node that is too old is told which one is needed, and nothing else happens', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  for (const node of ['18.20.8', '20.0.0', '22.22.1', '23.11.1', '24.18.9', '25.9.0', '26.0.0', '26.3.9']) {
    const ran = await asNode(brood, node, 'start', server)
    assertRefused(ran, 1, new RegExp(`Node ${node} `), /needs Node 24\.19 .*26\.4/)
  }
  assert.deepEqual(brood.processes(), [])
})

test('every Node of both LTS lines from 24.19 and 26.4 on is taken', { timeout }, async (t) => {
  const brood = Brood.create(t)
  for (const node of ['24.19.0', '24.100.0', '26.4.0', '27.0.0', '30.2.1']) {
    const ran = await asNode(brood, node, '--version')
    assert.deepEqual({ code: ran.code, stderr: ran.stderr }, { code: 0, stderr: '' }, node)
    assert.match(ran.stdout, /^\d+\.\d+\.\d+\n$/)
  }
})

test('a real old Node says so in one line', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const old = oldNodes()
  if (old.size === 0) {
    t.skip('no older node on the PATH, in /usr/bin or in /usr/local/bin')
    return
  }
  for (const [node, version] of old) {
    const ran = await command(['list'], { home: brood.home, node })
    assertRefused(ran, 1, new RegExp(`Node ${version} `), /needs Node 24\.19/)
  }
})

const wordsThatMakeNoSense: [what: string, args: string[], ...says: RegExp[]][] = [
  ['a worker count of 0', ['start', server, '-w', '0'], /-w 0\b/, /1 to 1024/],
  [
    'a worker count of -99',
    ['start', server, '-w', '-99'],
    /-w -99\b/,
    new RegExp(`${availableParallelism()} processor`),
  ],
  ["a worker count of 'many'", ['start', server, '-w', 'many'], /-w many\b/, /'max'/],
  ['a worker count of 1.5', ['start', server, '-w', '1.5'], /-w 1\.5\b/],
  ['an empty worker count', ['start', server, '-w', ''], /-w /, /'max'/],
  ['more workers than the most', ['start', server, '-w', '4', '--max-workers', '2'], /--max-workers 2\b/],
  ['port 70000', ['start', server, '--port', '70000'], /--port 70000\b/, /0 to 65535/],
  ['a port below 0', ['start', server, '--port', '-1'], /--port -1\b/, /0 to 65535/],
  ['a port that is no number', ['start', server, '--port', 'http'], /--port http\b/],
  ["the name 'all'", ['start', server, '--name', 'all'], /'all'/],
  ['a name that is a path', ['start', server, '--name', '../x'], /'\.\.\/x'/, /letters/],
  ['an empty name', ['start', server, '--name', ''], /''/, /letters/],
  ['a name of 65 letters', ['start', server, '--name', 'x'.repeat(65)], /x{65}/],
  ['a folder that is not there', ['start', server, '--cwd', '/nowhere/at/all'], /--cwd \/nowhere\/at\/all/],
  ['a time that is no time', ['start', server, '--grace', 'soon'], /--grace soon\b/, /10s/],
  ['a variable without a value', ['start', server, '--env', 'NAME'], /--env NAME\b/, /NAME=value/],
  ['an unknown share mode', ['start', server, '--share', 'evenly'], /--share evenly\b/, /slots/],
  ['a cookie without a proxy', ['start', server, '--proxy', 'off', '--sticky'], /--sticky/, /--proxy off/],
  ['an unknown signal', ['start', server, '--stop-signal', 'SIGNOTHING'], /--stop-signal SIGNOTHING\b/],
  ['an unknown restart policy', ['start', server, '--restart', 'often'], /--restart often\b/, /permanent/],
  ['no script', ['run'], /script/],
  ['a script that an option before it takes', ['start', '--watch', server], /--watch/, /before it/],
  ['an option without a script', ['start', '-w', '2'], /-w\b/, /script/],
  ['a variable without a script', ['start', '--env', 'A=1'], /--env\b/, /script/],
  ['an unknown option', ['start', server, '--wrokers', '2'], /--wrokers/, /--workers/],
  ['an unknown option of a command without any', ['list', '--jsno'], /--jsno/, /--json/],
  ['an unknown command', ['realod', 'web'], /realod/, /reload/],
  ['an argument too many', ['list', 'web'], /list/],
  ['a scale without a number', ['scale', 'web', 'more'], /'more'/, /\+1/],
  ['a signal that is none', ['signal', 'web', 'NOTHING'], /'NOTHING'/, /SIGTERM/],
  ['a number of lines that is none', ['logs', '-n', 'all'], /-n all\b/],
  ['logs that go on and end', ['logs', '-f', '--until', '1h'], /-f /, /--until/],
  ['the same of brood run', ['run', server, '-w', '0'], /-w 0\b/],
]

describe('a usage error has exit code 2 and one line, and nothing is started:', { concurrency: 4 }, () => {
  for (const [what, args, ...says] of wordsThatMakeNoSense) {
    test(what, { timeout }, async (t) => {
      const brood = Brood.create(t)
      assertRefused(await brood.run(...args), 2, ...says)
      assert.deepEqual(brood.processes(), [])
      assert.equal(existsSync(join(brood.home, 'control.sock')), false)
    })
  }
})

test('no command at all shows the help on stderr, with exit code 2', { timeout }, async (t) => {
  const ran = await Brood.create(t).run()
  assert.deepEqual({ code: ran.code, stdout: ran.stdout }, { code: 2, stdout: '' })
  assert.match(ran.stderr, /^Usage: brood /)
})

test('a script that is not there, is a folder or leads nowhere is refused before anything starts', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const dangling = join(brood.home, 'dangling.js')
  symlinkSync(join(brood.home, 'nowhere.js'), dangling)
  assertRefused(
    await brood.run('start', join(brood.home, 'no-such.js')),
    1,
    /no script .*no-such\.js/,
    /check the path/,
  )
  assertRefused(await brood.run('start', dangling), 1, /no script .*dangling\.js/)
  assertRefused(await brood.run('start', brood.home), 1, /is a directory/, /name the script/)
  assert.deepEqual(brood.processes(), [])
})

test('in a folder that has been removed nothing can be found, and that is said in one line', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  // Only a shell can stay where nothing is any more.
  const removed = 'mkdir "$1/gone" && cd "$1/gone" && rmdir "$1/gone" && shift && exec "$@"'
  const words = [process.execPath, bin, 'start', server]
  const ran = await ranOf(start('/bin/sh', ['-c', removed, 'sh', brood.home, ...words], brood))
  assertRefused(ran, 2, /folder .* removed/, /cd /)
  assert.deepEqual(brood.processes(), [])
})

test('a script that may not be read is refused before anything starts', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const uid = await otherUser(t, brood)
  if (uid === undefined) return
  const script = join(brood.home, 'secret.js')
  writeFileSync(script, '', { mode: 0o000 })
  chownSync(brood.home, nobody, nobody)
  const ran = await command(['start', script], { home: brood.home, uid })
  assertRefused(ran, 1, /cannot read .*secret\.js/)
  assert.deepEqual(brood.processes(), [])
})

test('a syntax error in the script names the place in it, and nothing is left of the app', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('start', program('syntax-error.js'), '-w', '2')
  assertRefused(ran, 4, /syntax-error\/\d exited with code 1: SyntaxError: /)
  assert.match(ran.stderr, /syntax-error\.js:\d+/)
  assert.doesNotMatch(ran.stderr, /\(utils:\d+\)/, "a place in Node itself is not the program's")
  await assertNothingRuns(brood)
})

test('a program that crashes at boot is refused with its last words', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('start', program('crashes-at-boot.js'), '-w', '2')
  assertRefused(ran, 4, /no database at db\.example\.test:5432 \(crashes-at-boot\.js:2\)/)
  await assertNothingRuns(brood)
})

test('a program that never becomes ready is given up in time, with exit code 4', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('start', program('never-ready.js'), '--ready-timeout', '300ms', '-w', '2')
  assertRefused(ran, 4, /not ready within 300 ?ms/)
  await assertNothingRuns(brood)
})

test('a program that may not run its Node argument is refused', { timeout }, async (t) => {
  const brood = Brood.create(t)
  assertRefused(
    await brood.run('start', server, '--node-arg', '--no-such-flag'),
    4,
    /http\/0 exited with code 9/,
  )
  await assertNothingRuns(brood)
})

test('a port that a stranger has is refused with the name of the stranger', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const stranger = createServer().unref()
  t.after(() => stranger.close())
  await once(stranger.listen(0), 'listening')
  const { port } = stranger.address() as AddressInfo
  const owner = new RegExp(`port ${port} is in use by pid ${process.pid} `)
  assertRefused(await brood.run('start', server, '--port', `${port}`), 1, owner, /choose another port/)
  await assertNothingRuns(brood)
  // The same when the program picks the port by itself, which is learned only once it runs.
  assertRefused(await brood.run('start', server, '--env', `PORT=${port}`, '-w', '2'), 1, owner)
  await assertNothingRuns(brood)
  const again = await brood.start(server, '--name', 'web')
  assert.equal(again.report.status, 'running', 'a start after those that were refused')
})

test('a port that another app of the same supervisor has is refused as such', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const { port, report } = await brood.start(server, '--name', 'first')
  const ran = await brood.run('start', server, '--name', 'second', '--port', `${port}`)
  assertRefused(ran, 1, new RegExp(`port ${port} is in use`), /another app of this supervisor/)
  const apps = await brood.list()
  assert.deepEqual(
    apps.map(({ name }) => name),
    ['first'],
  )
  assert.deepEqual(pidsOf(apps[0]), pidsOf(report))
})

test('a privileged port without the right to it is refused with what gives the right', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const first = firstUnprivilegedPort()
  if (first <= 1) {
    t.skip('every port is open to everybody here (net.ipv4.ip_unprivileged_port_start)')
    return
  }
  const uid = await otherUser(t, brood)
  if (uid === undefined) return
  chownSync(brood.home, nobody, nobody)
  const as = { home: brood.home, uid }
  const ran = await command(['start', server, '--port', `${first - 1}`], as)
  assertRefused(ran, 1, new RegExp(`no right to bind port ${first - 1}\\b`), /CAP_NET_BIND_SERVICE/)
  await assertNothingRuns(brood)
  assertRefused(
    await command(['start', server, '--env', `PORT=${first - 1}`], as),
    1,
    /no right to bind port/,
  )
  await assertNothingRuns(brood)
})

test('a name that is taken is refused, and the app that has it goes on', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const { report } = await brood.start(server, '--name', 'web', '-w', '2')
  const ran = await brood.run('start', server, '--name', 'web', '--env', 'PORT=0')
  assertRefused(ran, 1, /'web' is running/, /brood reload web/, /--name/)
  const [after] = await brood.list()
  assert.deepEqual(pidsOf(after), pidsOf(report))
})

test('an app, a slot or a path that is not there is named, with what there is instead', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const { report } = await brood.start(server, '--name', 'web', '-w', '2')
  for (const operation of ['reload', 'restart', 'stop', 'delete', 'show']) {
    assertRefused(await brood.run(operation, 'wbe'), 3, /'wbe'/, /there is web/)
  }
  assertRefused(await brood.run('reload', 'web/2'), 3, /slots 0 to 1, not 2/)
  assertRefused(await brood.run('signal', 'web/2', 'USR2'), 3, /slots 0 to 1, not 2/)
  assertRefused(await brood.run('logs', 'wbe'), 3, /'wbe'/)
  assertRefused(await brood.run('events', 'wbe'), 3, /'wbe'/)
  assertRefused(await brood.run('scale', 'wbe', '2'), 3, /'wbe'/)
  assertRefused(await brood.run('scale', 'web', '0'), 2, /0 workers/, /brood stop/)
  assertRefused(await brood.run('scale', 'web', '-2'), 2, /0 workers/)
  assertRefused(await brood.run('scale', 'web', '65'), 2, /at most 64/, /--max-workers 65/)
  assertRefused(await brood.run('stop', 'web/0'), 2, /whole app/)
  for (const path of ['../x', 'web/../..', 'web/x', '']) assertRefused(await brood.run('reload', path), 2)
  const [after] = await brood.list()
  assert.deepEqual(pidsOf(after), pidsOf(report))
})

test('without a supervisor every app is unknown: exit code 3, and how to start one', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  for (const args of [
    ['reload', 'web'],
    ['show', 'web'],
    ['logs', 'web'],
    ['scale', 'web', '2'],
    ['stop', 'all'],
  ]) {
    assertRefused(await brood.run(...args), 3, /brood start/)
  }
  assert.deepEqual(brood.processes(), [])
})

/** The command line on a Node that claims to be another. */
function asNode(brood: Brood, version: string, ...args: string[]): ReturnType<typeof command> {
  const lie = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(lie)}`]
  return command(args, { home: brood.home, nodeArgs })
}

/** Real Nodes that brood does not run on, by path, with their versions. */
function oldNodes(): Map<string, string> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  const paths = folders.map((folder) => join(folder, 'node')).filter((path) => existsSync(path))
  const nodes = [...new Set(paths.map((path) => realpathSync(path)))].map((path) => {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1)
    return [path, version] as const
  })
  return new Map(nodes.filter(([, version]) => Number(version.split('.')[0]) < 24))
}

/** A user other than root: undefined, and the test skipped, where that is impossible. */
async function otherUser(t: TestContext, brood: Brood): Promise<number | undefined> {
  if (process.getuid?.() !== 0) {
    t.skip('only root can become another user')
    return undefined
  }
  const ran = await command(['--version'], { home: brood.home, uid: nobody }).catch((error: Error) => error)
  if (!(ran instanceof Error) && ran.code === 0) return nobody
  t.skip('another user cannot read this checkout or its Node')
  return undefined
}

function firstUnprivilegedPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return 1024
  }
}

/** At most the supervisor itself is there, and it knows of no app. */
async function assertNothingRuns(brood: Brood): Promise<void> {
  assert.deepEqual(await brood.list(), [])
  const { pid } = await brood.json<{ pid: number }>('show')
  assert.deepEqual(brood.processes(), [pid])
}
