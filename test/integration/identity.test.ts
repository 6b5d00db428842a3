// As whom, how important and within which limits workers run; and what becomes of another user's when the supervisor is killed.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { cgroupsAvailable } from '../../src/process/cgroup.ts'
import { findUser } from '../../src/process/identity.ts'
import { get } from '../fixtures/get.ts'
import { askHttp } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused, brood as command, nobody } from '../support/command.ts'

const bounded = { timeout: 60_000 }
const server = program('http.js')
const isRoot = process.getuid?.() === 0
const asRoot = { concurrency: 2, skip: isRoot ? false : 'only root may run programs as somebody else' }

/** A home of a user without rights; what runs there ends with the test. */
function homeOfNobody(t: TestContext): { home: string; uid: number } {
  const folder = mkdtempSync(join(tmpdir(), 'brood-'))
  chmodSync(folder, 0o777)
  const as = { home: join(folder, 'home'), uid: nobody }
  t.after(async () => {
    const killed = await command(['kill'], as)
    rmSync(folder, { recursive: true, force: true })
    assert.equal(killed.code, 0, killed.stderr)
  })
  return as
}

/** A line of /proc/<pid>/status. */
function statusOf(pid: number, field: string): string[] {
  const line = new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return (line?.[1] ?? '').split(/\s+/).filter(Boolean)
}

describe('--uid', asRoot, () => {
  test(
    'is whom the worker runs as, with that user’s group and home and no other rights',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await brood.start(server, '--name', 'web', '--uid', 'nobody', '-w', '2')
      const user = findUser('nobody')
      assert.ok(user)
      for (const pid of pidsOf(report)) {
        assert.deepEqual(new Set(statusOf(pid, 'Uid')), new Set([`${user.uid}`]))
        assert.deepEqual(new Set(statusOf(pid, 'Gid')), new Set([`${user.gid}`]))
        assert.deepEqual(statusOf(pid, 'Groups'), [])
      }
      const { json } = await get({ port, path: '/env', signal: t.signal })
      const { env } = json as { env: NodeJS.ProcessEnv }
      assert.deepEqual([env.HOME, env.USER, env.LOGNAME], [user.home, 'nobody', 'nobody'])
      const logs = await brood.run('logs', 'web')
      assert.equal(logs.stdout.match(/\| listening on \d+$/gm)?.length, 2)
      const ran = await brood.run('reload', 'web')
      assert.equal(ran.code, 0, ran.stderr)
    },
  )

  test('and --gid are kept by a program of another language', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = ['--interpreter', 'none', '--uid', `${nobody}`, '--gid', '12345']
    const report = await brood.launch('/bin/sleep', '--name', 'sleep', ...flags, '--', '1000')
    const [pid = 0] = pidsOf(report)
    assert.equal(statusOf(pid, 'Uid')[0], `${nobody}`)
    assert.equal(statusOf(pid, 'Gid')[0], '12345')
  })

  test('of nobody known starts nothing', bounded, async (t) => {
    const brood = Brood.create(t)
    assertRefused(await brood.run('start', server, '--uid', 'no-such-user'), 1, /no user 'no-such-user'/)
    assertRefused(await brood.run('start', server, '--gid', 'no-such-group'), 1, /no group 'no-such-group'/)
    assert.deepEqual(await brood.list(), [])
    assert.equal(brood.processes().length, 1, 'the supervisor')
  })

  test('is refused to whom is not root', bounded, async (t) => {
    const as = homeOfNobody(t)
    assertRefused(
      await command(['start', server, '--uid', '0'], as),
      1,
      /only root may run a program as uid 0/,
    )
    const own = await command(['start', server, '--uid', `${nobody}`, '--env', 'PORT=0'], as)
    assert.equal(own.code, 0, own.stderr)
  })
})

describe('when the supervisor is killed, workers of another user', asRoot, () => {
  test('serve on, and come back to the one that the next command starts', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(server, '--name', 'web', '--uid', 'nobody', '-w', '2')
    const asking = keepAsking(askHttp(port), t.signal)
    const killed = await brood.killSupervisor()
    await asking.answersFrom(pidsOf(report))
    const [web] = await brood.list()
    assert.notEqual((await brood.json<SupervisorReport>('show')).pid, killed)
    assert.deepEqual(pidsOf(web), pidsOf(report))
    for (const pid of pidsOf(report))
      await brood.event((event) => event.type === 'worker-returned' && event.pid === pid)
    assert.deepEqual(await asking.stop(), [])
    const ran = await brood.run('reload', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const [after] = await brood.list()
    assert.deepEqual(after?.addresses, report.addresses)
    const again = keepAsking(askHttp(port), t.signal)
    await again.answersFrom(pidsOf(after))
    assert.deepEqual(await again.stop(), [])
    assert.equal(statusOf(pidsOf(after)[0] ?? 0, 'Uid')[0], `${nobody}`)
  })

  test(
    'come back to the one that the workers of another app start, with their sockets',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await brood.start(server, '--name', 'web', '--uid', 'nobody', '-w', '2')
      await brood.start(server, '--name', 'own')
      const asking = keepAsking(askHttp(port), t.signal)
      await brood.killSupervisor()
      for (const pid of pidsOf(report))
        await brood.event((event) => event.type === 'worker-returned' && event.pid === pid)
      const ran = await brood.run('reload', 'web')
      assert.equal(ran.code, 0, ran.stderr)
      const [after] = await brood.list()
      await asking.answersFrom(pidsOf(after))
      assert.deepEqual(await asking.stop(), [])
    },
  )
})

describe('--nice', { concurrency: 2 }, () => {
  test('is the priority of every worker, and of those that come later', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report } = await brood.start(server, '--name', 'web', '--nice', '7', '-w', '2')
    for (const pid of pidsOf(report)) assert.equal(getPriority(pid), 7)
    const ran = await brood.run('reload', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    for (const pid of pidsOf((await brood.list())[0])) assert.equal(getPriority(pid), 7)
    const { pid } = await brood.json<SupervisorReport>('show')
    assert.equal(getPriority(pid), getPriority())
  })

  test('that is refused is told, and the worker serves all the same', {
    ...bounded,
    skip: asRoot.skip,
  }, async (t) => {
    const as = homeOfNobody(t)
    const ran = await command(['start', server, '--name', 'web', '--nice', '-5', '--env', 'PORT=0'], as)
    assert.equal(ran.code, 0, ran.stderr)
    const events = await command(['events', 'web'], as)
    assert.match(events.stdout, /nice -5 was refused for pid \d+: only root may raise a priority/)
  })
})

test('limits where the kernel cannot set any are a warning, told once, and the app runs', {
  ...bounded,
  skip: cgroupsAvailable().ok ? 'this machine can set limits' : false,
}, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--memory-limit', '1GB', '--cpu-limit', '1', '-w', '2']
  const { port } = await brood.start(server, '--name', 'web', ...flags)
  await get({ port, signal: t.signal })
  const warnings = (await brood.events()).filter(({ type }) => type === 'warning')
  assert.deepEqual(
    warnings.map(({ app }) => app),
    ['web'],
  )
  assert.match(warnings[0]?.reason ?? '', /^no CPU and memory limits: .*brood startup/)
})
