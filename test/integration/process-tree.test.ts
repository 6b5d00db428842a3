// No orphans: whatever a worker started ends with it, whether it is told to go, refuses to, hangs, or is killed.
import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { Beside } from '../support/command.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const brief = ['--name', 'web', '--grace', '1s']

/** Every process that lives under this home besides the supervisor; zombies are dead. */
async function workersAndWhatTheyStarted(brood: Brood): Promise<number[]> {
  const { pid } = await brood.json<SupervisorReport>('show')
  return brood.processes().filter((one) => one !== pid)
}

async function grandchildrenOf(port: number, signal: AbortSignal): Promise<number[]> {
  const { json } = await get({ port, path: '/pids', signal })
  return [Number(json.polite), Number(json.stubborn)]
}

async function killed(brood: Brood): Promise<(number | undefined)[]> {
  return (await brood.events()).filter(({ type }) => type === 'worker-killed').map(({ pid }) => pid)
}

describe('stop leaves nothing running of', { concurrency: 3 }, () => {
  test('a worker with children, one of which ignores SIGTERM', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(program('spawns-grandchildren.js'), ...brief)
    const family = [...pidsOf(report), ...(await grandchildrenOf(port, t.signal))]
    assert.deepEqual((await workersAndWhatTheyStarted(brood)).toSorted(), family.toSorted())
    const ran = await brood.run('stop', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(await workersAndWhatTheyStarted(brood), [])
  })

  test(
    'workers that ignore SIGTERM and have nothing else to do: they need no SIGKILL',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      await brood.start(program('ignores-sigterm.js'), '-w', '2', ...brief)
      const ran = await brood.run('stop', 'web')
      assert.equal(ran.code, 0, ran.stderr)
      assert.deepEqual(await workersAndWhatTheyStarted(brood), [])
      assert.deepEqual(await killed(brood), [])
    },
  )

  test('workers that ignore SIGTERM and go on with something', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'stubborn.mjs',
      `import '${program('ignores-sigterm.js')}'
      setInterval(() => {}, 60_000) // without it, nothing would keep it alive when its server is gone`,
    )
    const { report } = await brood.start(script, '-w', '2', ...brief)
    const ran = await brood.run('stop', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(await workersAndWhatTheyStarted(brood), [])
    assert.deepEqual((await killed(brood)).toSorted(), pidsOf(report).toSorted())
  })

  test('a worker that is blocked, and one beside it that is not', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(loopsForever(t), '-w', '2', ...brief)
    await block(t, brood, port)
    const ran = await brood.run('stop', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(await workersAndWhatTheyStarted(brood), [])
    assert.deepEqual(await killed(brood), [], 'without a handler, SIGTERM ends a blocked process, too')
  })

  test('a worker that is blocked and would handle SIGTERM itself', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = loopsForever(t, `process.on('SIGTERM', () => process.exit(0))`)
    const { report, port } = await brood.start(script, ...brief)
    await block(t, brood, port)
    const ran = await brood.run('stop', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(await workersAndWhatTheyStarted(brood), [])
    assert.deepEqual(await killed(brood), pidsOf(report))
  })
})

test('the children of a worker killed with SIGKILL are ended, while its replacement and theirs go on', {
  ...bounded,
}, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('spawns-grandchildren.js'), ...brief)
  const [worker] = pidsOf(report)
  assert.ok(worker)
  const orphans = await grandchildrenOf(port, t.signal)
  process.kill(worker, 'SIGKILL')
  await brood.event(({ type, pid }) => type === 'worker-ready' && pid !== worker)
  // Each look is a command of its own; the test's own bound is the limit.
  while (brood.processes().some((pid) => orphans.includes(pid))) await brood.list()
  const family = [...pidsOf((await brood.list())[0]), ...(await grandchildrenOf(port, t.signal))]
  assert.equal(family.length, 3)
  assert.deepEqual((await workersAndWhatTheyStarted(brood)).toSorted(), family.toSorted())
})

test('stop ends what a killed worker left, even if it comes right after the kill', bounded, async (t) => {
  const brood = Brood.create(t)
  const { report } = await brood.start(program('spawns-grandchildren.js'), ...brief)
  const [worker] = pidsOf(report)
  assert.ok(worker)
  process.kill(worker, 'SIGKILL')
  const ran = await brood.run('stop', 'web')
  assert.equal(ran.code, 0, ran.stderr)
  assert.deepEqual(await workersAndWhatTheyStarted(brood), [])
})

test('a reload ends the children of the workers it replaces', bounded, async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(program('spawns-grandchildren.js'), ...brief)
  const before = await grandchildrenOf(port, t.signal)
  const ran = await brood.run('reload', 'web')
  assert.equal(ran.code, 0, ran.stderr)
  while (brood.processes().some((pid) => before.includes(pid))) await brood.list()
  const family = [...pidsOf((await brood.list())[0]), ...(await grandchildrenOf(port, t.signal))]
  assert.deepEqual((await workersAndWhatTheyStarted(brood)).toSorted(), family.toSorted())
})

/** `loops-forever.js`, which says what it is asked before it is too late to say anything. */
function loopsForever(t: TestContext, more = ''): string {
  return temporaryProgram(
    t,
    'loops.mjs',
    `import { subscribe } from 'node:diagnostics_channel'
    import '${program('loops-forever.js')}'
    subscribe('http.server.request.start', ({ request }) => console.log('asked', request.url))
    ${more}`,
  )
}

/** Settles when a worker spins. */
async function block(t: TestContext, brood: Brood, port: number): Promise<void> {
  const logs = new Beside(t, brood.spawn('logs', '-f', 'web'))
  const request = http.get({ host: '127.0.0.1', port, path: '/block', agent: false })
  request.on('error', () => {}) // its worker is ended
  t.after(() => request.destroy())
  await logs.until(/asked \/block/)
  logs.child.kill('SIGKILL')
  await logs.ended
}
