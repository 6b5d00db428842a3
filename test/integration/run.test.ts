// `brood run`: a supervisor in the foreground, as containers, service managers and developers use it.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused, Beside } from '../support/command.ts'

const timeout = 30_000
const server = program('http.js')
const saysSignals = fileURLToPath(new URL('../fixtures/misbehaving/says-signals.js', import.meta.url))

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`brood run ends with 0 and leaves nothing behind on ${signal}`, { timeout }, async (t) => {
    const { brood, run } = await running(t, server, '-w', '2')
    run.child.kill(signal)
    const { code, stdout, stderr } = await run.ended
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^(listening on \d+\n){2}$/, "the program's output, and nothing else, is on stdout")
    assert.match(stderr, /^web +0 +\d+ +ready/m, 'what is for people is on stderr')
    await assertNothingLeft(brood)
  })
}

test("the program's own arguments, folder and variables reach it", { timeout }, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--name', 'web', '--env', 'PORT=0', '--env', 'COLOUR=blue', '--cwd', brood.home]
  const run = new Beside(t, brood.spawn('run', ...flags, server, '--', '--port', '7', '-w'))
  await run.until(/web +0 +\d+ +ready/)
  const [report] = await brood.list()
  assert.ok(report)
  const answer = await fetch(`http://127.0.0.1:${portOf(report)}/env`, { headers: { connection: 'close' } })
  const { env, argv, cwd } = JSON.parse(await answer.text())
  assert.deepEqual(
    { args: argv.slice(2), colour: env.COLOUR, cwd },
    { args: ['--port', '7', '-w'], colour: 'blue', cwd: brood.home },
  )
  run.child.kill('SIGTERM')
  assert.equal((await run.ended).code, 0)
})

test('a second SIGINT kills at once what ignores the first', { timeout }, async (t) => {
  const { brood, run } = await running(t, saysSignals, '--grace', '1h', '-w', '2')
  run.child.kill('SIGINT')
  await run.until(/got SIGTERM/)
  run.child.kill('SIGINT')
  await run.ended
  await assertNothingLeft(brood)
})

test('a signal while it still starts ends it at once', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--ready-timeout', '1h', '--grace', '1h']
  const run = new Beside(t, brood.spawn('run', program('never-ready.js'), ...flags))
  await run.until(/running/)
  run.child.kill('SIGTERM')
  assert.equal((await run.ended).code, 0)
  await assertNothingLeft(brood)
})

test('a program that never becomes ready ends it with 4', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('run', program('never-ready.js'), '--ready-timeout', '300ms', '-w', '2')
  assert.equal(ran.code, 4)
  assert.match(
    ran.stderr,
    /^brood: never-ready\/\d was not ready within 300ms: its program does not listen; --ready .*\n$/,
  )
  await assertNothingLeft(brood)
})

test('a program that crashes at boot ends it with 4 and the reason', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('run', program('crashes-at-boot.js'))
  assert.equal(ran.code, 4)
  assert.match(ran.stderr, /^brood: crashes-at-boot\/0 exited with code 1: Error: no database/m)
  await assertNothingLeft(brood)
})

test('a program that has failed for good ends it with 1 and the reason', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const ran = await brood.run('run', program('crashes-after-ready.js'), '--intensity', '1', '--env', 'PORT=0')
  assert.equal(ran.code, 1)
  assert.match(ran.stderr, /^brood: crashes-after-ready.* failed.*crashed after ready/m)
  await assertNothingLeft(brood)
})

test('a script that is not there is refused with 1, before anything starts', { timeout }, async (t) => {
  const brood = Brood.create(t)
  assertRefused(await brood.run('run', join(brood.home, 'nowhere.js')), 1, /no script/)
  assert.equal(existsSync(join(brood.home, 'control.sock')), false)
})

test('list, reload and scale work from beside it', { timeout }, async (t) => {
  const { brood, run } = await running(t, server, '-w', '2')
  const [before] = await brood.list()
  const reloaded = await brood.run('reload', 'web')
  assert.equal(reloaded.code, 0, reloaded.stderr)
  const scaled = await brood.run('scale', 'web', '3')
  assert.equal(scaled.code, 0, scaled.stderr)
  const [after] = await brood.list()
  assert.equal(pidsOf(after).length, 3)
  assert.equal(
    pidsOf(after).some((pid) => pidsOf(before).includes(pid)),
    false,
  )
  run.child.kill('SIGTERM')
  assert.equal((await run.ended).code, 0)
  await assertNothingLeft(brood)
})

for (const command of [['stop', 'web'], ['delete', 'web'], ['kill']]) {
  test(`brood ${command.join(' ')} from beside ends both with 0`, { timeout }, async (t) => {
    const { brood, run } = await running(t, server, '-w', '2')
    const ran = await brood.run(...command)
    assert.deepEqual({ code: ran.code, stderr: ran.stderr }, { code: 0, stderr: '' })
    assert.equal((await run.ended).code, 0)
    await assertNothingLeft(brood)
  })
}

test('a second supervisor of the same home is refused, and the first goes on', { timeout }, async (t) => {
  const { brood, run } = await running(t, server)
  assertRefused(await brood.run('run', server, '--env', 'PORT=0'), 1, /a supervisor of .* is running already/)
  assert.equal((await brood.list())[0]?.status, 'running')
  run.child.kill('SIGTERM')
  assert.equal((await run.ended).code, 0)
})

test('with --log-files the output is on stdout and in brood logs', { timeout }, async (t) => {
  const { brood, run } = await running(t, server, '--log-files')
  await run.until(/listening on \d+/)
  const logs = await brood.run('logs', 'web', '--json')
  const { line } = JSON.parse(logs.stdout)
  assert.match(line, /^listening on \d+$/)
  run.child.kill('SIGTERM')
  const { code, stdout } = await run.ended
  assert.deepEqual({ code, stdout }, { code: 0, stdout: `web/0 | ${line}\n` })
})

test('without --log-files brood logs has nothing to show, and says no error', { timeout }, async (t) => {
  const { brood, run } = await running(t, server)
  const logs = await brood.run('logs', 'web')
  assert.deepEqual({ code: logs.code, stdout: logs.stdout }, { code: 0, stdout: '' })
  run.child.kill('SIGTERM')
  await run.ended
})

/** `brood run` of an app named web, all its workers ready. */
async function running(
  t: TestContext,
  script: string,
  ...flags: string[]
): Promise<{ brood: Brood; run: Beside }> {
  const brood = Brood.create(t)
  const run = new Beside(t, brood.spawn('run', '--name', 'web', '--env', 'PORT=0', ...flags, script))
  await run.until(/web +0 +\d+ +ready/)
  return { brood, run }
}

async function assertNothingLeft(brood: Brood): Promise<void> {
  assert.deepEqual(brood.processes(), [])
  assert.equal(existsSync(join(brood.home, 'control.sock')), false, 'its socket is gone')
  assert.equal(
    existsSync(join(brood.home, 'state.json')),
    false,
    'nothing is remembered for a next supervisor',
  )
  assert.deepEqual(await brood.list(), [])
}
