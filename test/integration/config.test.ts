// Configuration files on the command line: start, run, apply and init, with real programs.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AppReport } from '../../src/supervisor/report.ts'
import { Brood, program, type Ran } from '../support/brood.ts'
import { assertRefused, Beside, bin, environmentOf, ranOf } from '../support/command.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

const http = program('http.js')

/** Two apps that listen on ports of their own, the one after the other. */
const two = {
  apps: [
    { name: 'web', script: http, port: 0, dependsOn: ['db'], env: { LOG_LEVEL: 'info', API_TOKEN: 'abc' } },
    { name: 'db', script: http, port: 0, workers: 2 },
  ],
}

function configFile(t: TestContext, config: unknown): string {
  return rewritten(join(temporaryFolder(t), 'brood.config.json'), config)
}

function rewritten(path: string, config: unknown): string {
  writeFileSync(path, JSON.stringify(config))
  return path
}

/** The command, called in that folder. */
function inFolder(brood: Brood, folder: string, ...args: string[]): Promise<Ran> {
  return ranOf(
    spawn(process.execPath, [bin, ...args], {
      cwd: folder,
      env: environmentOf(brood.home),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

test('start takes the apps of a file, those first that others depend on', bounded, async (t) => {
  const brood = Brood.create(t)
  const reports = await brood.json<AppReport[]>('start', configFile(t, two))
  assert.deepEqual(
    reports.map(({ name, size, status }) => [name, size, status]),
    [
      ['web', 1, 'running'],
      ['db', 2, 'running'],
    ],
  )
  const ready = (await brood.events()).filter(({ type }) => type === 'worker-ready').map(({ app }) => app)
  assert.deepEqual(ready, ['db', 'db', 'web'])
})

test('start of some of them, with a layer of variables', bounded, async (t) => {
  const brood = Brood.create(t)
  const envs = { staging: { LOG_LEVEL: 'debug' } }
  const path = configFile(t, { apps: two.apps.map((app) => ({ ...app, envs })) })
  await brood.json('start', path, '--only', 'db', '--env-name', 'staging', '--env', 'FLAG=1')
  assert.deepEqual(
    (await brood.list()).map(({ name }) => name),
    ['db'],
  )
  const { env } = (await brood.show('db')).spec
  assert.deepEqual([env.LOG_LEVEL, env.FLAG], ['debug', '1'])
})

test(
  'an app that fails ends the start of those that depend on it, and the rest goes on',
  bounded,
  async (t) => {
    const brood = Brood.create(t)
    const crashes = program('crashes-at-boot.js')
    const path = configFile(t, {
      apps: [
        { name: 'db', script: http, port: 0 },
        { name: 'api', script: crashes, dependsOn: ['db'] },
        { name: 'web', script: http, port: 0, dependsOn: ['api'] },
      ],
    })
    assertRefused(await brood.run('start', path), 4, /api\/0 exited/, /\(started before that: db\)$/)
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['db'],
    )
  },
)

test('run takes the one app of a file', bounded, async (t) => {
  const brood = Brood.create(t)
  const child = brood.spawn('run', configFile(t, { apps: two.apps.slice(1) }))
  const beside = new Beside(t, child)
  await beside.until(/db answers on http/)
  assert.equal((await brood.show('db')).size, 2)
  child.kill('SIGTERM')
  assert.equal((await beside.ended).code, 0)
})

test('run of several apps says how to choose one', bounded, async (t) => {
  const ran = await Brood.create(t).run('run', configFile(t, two))
  assertRefused(ran, 2, /run takes one app, and the file has web, db: choose one with --only/)
})

test('a file that is wrong is refused, and nothing is started', bounded, async (t) => {
  const brood = Brood.create(t)
  const path = configFile(t, { apps: [{ script: http, wrokers: 2, port: 70_000 }] })
  for (const command of ['start', 'run', 'apply']) {
    const ran = await brood.run(command, path)
    assertRefused(ran, 2, /brood\.config\.json: apps\[0\]\.wrokers is no known key: did you mean 'workers'\?/)
    assert.match(ran.stderr, / {2}\| brood\.config\.json: apps\[0\]\.port is 70000/)
  }
  assert.deepEqual(brood.processes(), [])
})

test('apply without a file says what to do', bounded, async (t) => {
  const brood = Brood.create(t)
  const ran = await inFolder(brood, temporaryFolder(t), 'apply')
  assertRefused(ran, 2, /there is no brood\.config\.ts/, /'brood init' writes one/)
})

test('apply --dry-run shows what would be done, and does nothing', bounded, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('apply', configFile(t, two), '--dry-run')
  assert.deepEqual(ran, {
    code: 0,
    stdout: '+ db   start, 2 workers\n+ web  start, 1 worker\n2 to start\n',
    stderr: '',
  })
  assert.deepEqual(brood.processes(), [])
  assert.equal(existsSync(join(brood.home, 'control.sock')), false)
})

test('apply --dry-run of what runs shows each difference, and no secret', bounded, async (t) => {
  const brood = Brood.create(t)
  const path = configFile(t, two)
  await brood.json('start', path)
  await brood.start(http, '--name', 'other')
  const before = await brood.list()
  const [web, db] = two.apps
  const changed = rewritten(path, {
    apps: [
      { ...web, env: { LOG_LEVEL: 'debug', API_TOKEN: 'xyz' }, stop: { grace: '5s' } },
      { ...db, workers: 3 },
      { name: 'new', script: http },
    ],
  })
  const text = await brood.run('apply', changed, '--dry-run', '--prune')
  assert.deepEqual(text.stdout.split('\n'), [
    '~ db     scale',
    '    workers: 2 → 3',
    '+ new    start, 1 worker',
    '~ web    reload',
    '    stop.grace: 10s → 5s',
    '    env.API_TOKEN: *** → ***',
    '    env.LOG_LEVEL: info → debug',
    '- other  remove',
    '1 to start, 2 to change, 1 to remove',
    '',
  ])
  const json = await brood.run('apply', changed, '--dry-run', '--json')
  const { applied, plan } = JSON.parse(json.stdout)
  assert.equal(applied, false)
  assert.deepEqual(
    plan.map(({ name, action, how }: { name: string; action: string; how?: string }) => [name, action, how]),
    [
      ['db', 'change', 'scale'],
      ['new', 'start', undefined],
      ['web', 'change', 'reload'],
      ['other', 'stays', undefined],
    ],
  )
  assert.doesNotMatch(json.stdout + text.stdout, /abc|xyz/)
  const pids = (reports: readonly AppReport[]) =>
    reports.map(({ name, workers }) => [name, workers.map(({ pid }) => pid)])
  assert.deepEqual(pids(await brood.list()), pids(before))
})

test('apply starts, scales and removes, and a second time does nothing', bounded, async (t) => {
  const brood = Brood.create(t)
  const path = configFile(t, two)
  const first = await brood.run('apply', path)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /started db: 2 workers\nstarted web: 1 worker\n$/)
  const again = await brood.run('apply', path)
  assert.deepEqual(again, {
    code: 0,
    stdout: '= db   unchanged\n= web  unchanged\n2 unchanged\n',
    stderr: '',
  })

  const fewer = rewritten(path, { apps: [{ ...two.apps[1], workers: 1 }] })
  const scaled = await brood.run('apply', fewer, '--prune')
  assert.equal(scaled.code, 0, scaled.stderr)
  assert.match(scaled.stdout, /scaled db\nremoved web\n$/)
  assert.deepEqual(
    (await brood.list()).map(({ name, size }) => [name, size]),
    [['db', 1]],
  )
})

test('apply of one app alone leaves the others', bounded, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('apply', configFile(t, two), '--only', 'db')
  assert.equal(ran.code, 0, ran.stderr)
  assert.deepEqual(
    (await brood.list()).map(({ name }) => name),
    ['db'],
  )
  assertRefused(
    await brood.run('apply', configFile(t, two), '--only', 'db', '--prune'),
    2,
    /leave out --only/,
  )
})

test('a failure ends apply, which says what was done before', bounded, async (t) => {
  const brood = Brood.create(t)
  const path = configFile(t, {
    apps: [
      { name: 'a', script: http, port: 0 },
      { name: 'b', script: program('crashes-at-boot.js') },
      { name: 'c', script: http, port: 0 },
    ],
  })
  const ran = await brood.run('apply', path)
  assert.equal(ran.code, 4)
  assert.match(ran.stderr, /^brood: b\/0 exited .* \(done before that: started a: 1 worker\)\n/)
  assert.deepEqual(
    (await brood.list()).map(({ name }) => name),
    ['a'],
  )
})

test('init writes a file that can be applied, and never over another', bounded, async (t) => {
  const brood = Brood.create(t)
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'package.json'), '{}') // that does not say what its files are
  writeFileSync(join(folder, 'server.js'), `require(${JSON.stringify(http)})`)
  const ran = await inFolder(brood, folder, 'init')
  assert.deepEqual([ran.code, ran.stderr], [0, ''])
  assert.match(ran.stdout, /^wrote brood\.config\.ts/)
  const planned = await inFolder(brood, folder, 'apply', '--dry-run')
  assert.deepEqual([planned.code, planned.stderr], [0, ''])
  assert.match(planned.stdout, /^\+ web {2}start, \d+ workers?\n/)

  const path = join(folder, 'brood.config.ts')
  const written = readFileSync(path, 'utf8')
  assertRefused(await inFolder(brood, folder, 'init'), 2, /brood\.config\.ts is here already/)
  assert.equal(readFileSync(path, 'utf8'), written)
  // What it shows in comments is right, too; but for the other app, which is not there.
  const shown = written.replaceAll(/^( *)\/\/ (?=\w+: )/gm, '$1').replace(/^.*dependsOn.*\n/m, '')
  assert.notEqual(shown, written)
  writeFileSync(path, shown)
  writeFileSync(join(folder, '.env'), 'A=1\n')
  const all = await inFolder(brood, folder, 'apply', '--dry-run', '--env-name', 'production')
  assert.equal(all.code, 0, all.stderr)
})
