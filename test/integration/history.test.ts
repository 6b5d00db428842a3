// What happened can be asked for by app and time, in sentences and as JSON, also when everything has died.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ownSupervisor } from '../support/own-supervisor.ts'

const timeout = 60_000
const server = program('http.js')

test('is there after the supervisor was killed, and the next one tells of it', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const supervisor = await ownSupervisor(t, brood.home)
  const { report } = await brood.start(server, '--name', 'web')
  assert.equal((await brood.run('stop', 'web')).code, 0)
  const before = await brood.events()
  assert.equal(before.at(-1)?.type, 'stopped')
  const gone = once(supervisor, 'exit')
  supervisor.kill('SIGKILL')
  await gone
  assert.deepEqual(await brood.events(), before, 'read from the file')
  await brood.start(server, '--name', 'more')
  const { stdout } = await brood.run('events')
  const [pid] = pidsOf(report)
  assert.match(
    stdout,
    new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}The supervisor started with pid ${supervisor.pid}\\.$`, 'm'),
  )
  assert.match(stdout, new RegExp(`web/0 \\(pid ${pid}\\) ended as it was asked to`))
  assert.match(stdout, new RegExp(`The one before it \\(pid ${supervisor.pid}\\) had ended without a word`))
})

test('is there when nothing runs any more, and asked for by app and time', { timeout }, async (t) => {
  const brood = Brood.create(t)
  await brood.start(server, '--name', 'web')
  const types = async (...args: string[]): Promise<string[]> => {
    const ran = await brood.run('events', '--json', ...args)
    assert.deepEqual({ code: ran.code, stderr: ran.stderr }, { code: 0, stderr: '' })
    const lines = ran.stdout.split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line).type)
  }
  const ask = async (): Promise<string[][]> => [
    await types('-n', '3', '--until', '0s'),
    await types('--app', 'web', '--since', '1h'),
    await types('web', '-n', '1'),
    await types('web', '--until', '1h'),
  ]
  assert.deepEqual(await ask(), [
    ['worker-started', 'worker-ready', 'started'],
    ['asked', 'worker-started', 'worker-ready', 'started'],
    ['started'],
    [],
  ])
  assert.equal((await brood.run('kill')).code, 0)
  assert.deepEqual(await ask(), [
    ['worker-exited', 'stopped', 'supervisor-stopped'],
    ['asked', 'worker-started', 'worker-ready', 'started', 'worker-exited', 'stopped'],
    ['stopped'],
    [],
  ])
  assertRefused(await brood.run('events', 'nobody'), 3, /'nobody'/, /no supervisor is running/)
  const followed = await brood.run('events', '-f')
  assert.deepEqual([followed.code, /no supervisor is running/.test(followed.stderr)], [3, true])
  assert.match(followed.stdout, / The supervisor \(pid \d+\) ended in order\.$/m)
})

test('a question that is not understood is answered with what can be asked', { timeout }, async (t) => {
  const brood = Brood.create(t)
  assertRefused(await brood.run('events', '--since', 'tomorrow'), 2, /--since tomorrow: .*1h/)
  assertRefused(await brood.run('events', '--until', '25:00'), 2, /--until 25:00/)
  assertRefused(await brood.run('events', '-n', '0'), 2, /-n 0: .*1 to 10000/)
  assertRefused(await brood.run('events', 'web', '--app', 'db'), 2, /web or db/)
  assertRefused(await brood.run('events', '-f', '--until', '1h'), 2, /use one of them/)
  assertRefused(await brood.run('events'), 3, /no supervisor is running/)
  assert.equal(existsSync(join(brood.home, 'events.db')), false)
})

test('a file that is no history keeps no supervisor from starting', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const file = join(brood.home, 'events.db')
  writeFileSync(file, 'no history at all '.repeat(100))
  assertRefused(await brood.run('events'), 1, /events\.db/, /sets it aside/)
  await brood.start(server, '--name', 'web')
  assert.match(
    (await brood.run('events')).stdout,
    / The history could not be read and was begun anew: events\.db /,
  )
  assert.ok(existsSync(`${file}.unreadable`))
})
