// Supervisors killed at the worst moments: in the middle of a command, with workers, twice in a row, stopped, beside others.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BroodError } from '../../src/kernel/errors.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { startLoad } from '../support/load/index.ts'
import { seededRandom } from '../support/load/random.ts'
import { atRest, firstContent, Supervision } from '../support/supervision.ts'
import { answeredMore, assertNoneFailed } from './figures.ts'

const bounded = { timeout: 60_000 }
const http = program('http.js')
const chatty = fileURLToPath(new URL('../fixtures/misbehaving/chatty.js', import.meta.url))
const talksToParent = fileURLToPath(new URL('../fixtures/misbehaving/talks-to-parent.js', import.meta.url))

const kinds = {
  keepAliveBusy: { clients: 6, pause: 10 },
  keepAliveIdle: { clients: 6, idleFrom: 20, idleTo: 400 },
  short: { clients: 3, pause: 5 },
  upload: { clients: 1 },
  stream: { clients: 1 },
} as const

interface Scene {
  readonly brood: Brood
  readonly supervision: Supervision
  readonly port: number
  readonly pids: readonly number[]
  readonly load: ReturnType<typeof startLoad>
}

/** An app `web` under load. */
async function scene(t: TestContext, ...flags: string[]): Promise<Scene> {
  const brood = Brood.create(t)
  const { port, report } = await brood.start(http, '-w', '2', '--name', 'web', ...flags)
  const load = startLoad({ port, seed: 1, signal: t.signal, kinds })
  await load.until(answeredMore(load.report, 50))
  return { brood, supervision: new Supervision(brood), port, pids: pidsOf(report), load }
}

/** Some more answers, then the end of the load: nothing has failed. */
async function endsWell({ load }: Scene): Promise<void> {
  await load.until(answeredMore(load.report, 50))
  assertNoneFailed(await load.stop())
}

/** How long a supervisor that came second looks for its place, in milliseconds, and some more on a busy machine. */
const secondLeaves = 10_000

/** One supervisor, and the workers that `list` names; of two that were started the second ends without a word. */
async function assertNobodyElse({ brood, supervision }: Scene): Promise<void> {
  const until = performance.now() + secondLeaves
  for (;;) {
    const workers = (await supervision.list()).flatMap(pidsOf)
    const known = [...workers, await supervision.pid()].toSorted((a, b) => a - b)
    const found = brood.processes().toSorted((a, b) => a - b)
    if (`${found}` === `${known}`) return
    if (performance.now() > until) assert.deepEqual(found, known)
  }
}

/** A command whose supervisor is killed meanwhile: it may be cut short, and is told so. */
function cutShort(command: Promise<unknown>): Promise<void> {
  return command.then(
    () => {},
    (error: unknown) => {
      assert.ok(error instanceof BroodError && error.code === 'supervisor_unreachable', String(error))
    },
  )
}

for (const events of [0, 1, 2, 3, 4]) {
  test(`killed ${events} events into a reload, the next supervisor finishes it`, bounded, async (t) => {
    const at = await scene(t)
    const { supervision, pids } = at
    const since = Date.now()
    const stream = supervision.client.events({ follow: true, since })
    const first = stream.next()
    const reload = cutShort(supervision.act('reload', 'web'))
    for (let seen = 0; seen < events; seen++) await (seen === 0 ? first : stream.next())
    await supervision.kill()
    await reload
    first.catch(() => {})
    const [web] = await supervision.until(
      (apps) => atRest(apps) && (events === 0 || !pidsOf(apps[0]).some((pid) => pids.includes(pid))),
      t.signal,
    )
    assert.equal(web?.size, 2)
    await endsWell(at)
    await assertNobodyElse(at)
  })
}

test('killed during the first start of an app, nothing of that app is left, and it can be started', {
  ...bounded,
}, async (t) => {
  const at = await scene(t)
  const { supervision, brood } = at
  const starting = cutShort(
    supervision.start(program('never-ready.js'), { name: 'more', workers: '2', grace: '1s' }),
  )
  await firstContent(join(brood.home, 'logs'), 'more-0.out.log', t.signal)
  await supervision.kill()
  await starting
  const apps = await supervision.until(atRest, t.signal)
  assert.deepEqual(
    apps.map(({ name }) => name),
    ['web'],
  )
  assert.deepEqual(pidsOf(apps[0]), at.pids)
  const more = await supervision.start(http, { name: 'more', env: ['PORT=0'] })
  assert.equal(more.status, 'running')
  await endsWell(at)
  await supervision.act('delete', 'more')
  await assertNobodyElse(at)
})

for (const [from, to] of [
  ['2', '4'],
  ['4', '2'],
] as const) {
  test(`killed while it scales from ${from} to ${to}, it has either size`, bounded, async (t) => {
    const at = await scene(t)
    const { supervision } = at
    await supervision.client.call('scale', { app: 'web', change: from })
    const event = supervision.event(({ type, slot }) => type === 'worker-ready' && slot === 2, t.signal)
    if (from === '4') await event
    const scaled = cutShort(supervision.client.call('scale', { app: 'web', change: to }))
    if (to === '4') await event
    await supervision.kill()
    await scaled
    const [web] = await supervision.until(atRest, t.signal)
    assert.ok(web?.size === 2 || web?.size === 4, `it has ${web?.size}`)
    await endsWell(at)
    await assertNobodyElse(at)
  })
}

test('killed while it writes its state, both apps are remembered whole', bounded, async (t) => {
  const at = await scene(t)
  const { supervision, brood } = at
  await supervision.start(http, { name: 'other', env: ['PORT=0'] })
  const random = seededRandom(3)
  for (let round = 0; round < 8; round++) {
    // Each of them writes the state at its end.
    const command = cutShort(supervision.act(round % 2 === 0 ? 'stop' : 'restart', 'other'))
    await pause(random() * 60)
    await supervision.kill()
    await command
    const apps = await supervision.until(atRest, t.signal)
    assert.deepEqual(apps.map(({ name }) => name).toSorted(), ['other', 'web'])
    assert.deepEqual(pidsOf(apps.find(({ name }) => name === 'web')), at.pids)
    const { apps: written } = JSON.parse(readFileSync(join(brood.home, 'state.json'), 'utf8'))
    assert.equal(written.length, 2)
  }
  const events = await brood.events()
  assert.equal(
    events.some(({ type }) => type === 'state-unreadable'),
    false,
  )
  await endsWell(at)
  await assertNobodyElse(at)
})

test('killed together with all workers but one, that one brings everything back', bounded, async (t) => {
  const at = await scene(t, '-w', '4')
  const { supervision, load } = at
  const [kept, ...others] = at.pids
  for (const pid of [await supervision.pid(), ...others]) process.kill(pid, 'SIGKILL')
  const isWhole = (pids: readonly number[]): boolean =>
    pids.length === 4 && kept !== undefined && pids.includes(kept)
  await supervision.until((apps) => atRest(apps) && isWhole(pidsOf(apps[0])), t.signal)
  await load.until(answeredMore(load.report, 50))
  const { total } = await load.stop()
  assert.deepEqual([total.refusals, total.timeouts, total.wrong], [0, 0, 0])
  assert.ok(total.resets <= 17, 'no more than the killed ones had accepted')
  await assertNobodyElse(at)
})

test('killed together with all workers, the next start brings the apps back on their ports', {
  ...bounded,
}, async (t) => {
  const at = await scene(t)
  const { supervision, brood, load, port } = at
  await load.stop()
  for (const pid of [await supervision.pid(), ...at.pids]) process.kill(pid, 'SIGKILL')
  const listed = await brood.run('list', '--json')
  assert.deepEqual([listed.code, JSON.parse(listed.stdout)], [0, []])
  await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
  await brood.start(http, '--name', 'other')
  const apps = await supervision.until(atRest, t.signal)
  const web = apps.find(({ name }) => name === 'web')
  assert.ok(web)
  assert.equal(portOf(web), port)
  assert.ok(pidsOf(web).includes((await get({ port, signal: t.signal })).pid))
})

test('two homes do not notice each other when both supervisors are killed', bounded, async (t) => {
  const both = await Promise.all([scene(t), scene(t)])
  await Promise.all(both.map(({ supervision }) => supervision.kill()))
  for (const at of both) {
    const apps = await at.supervision.until(atRest, t.signal)
    assert.deepEqual(apps.map(pidsOf), [at.pids])
    await endsWell(at)
    await assertNobodyElse(at)
  }
})

test('three apps of a home keep their sockets, also when a worker of each dies after', bounded, async (t) => {
  const at = await scene(t)
  const { supervision } = at
  for (const name of ['one', 'two']) await supervision.start(http, { name, workers: '2', env: ['PORT=0'] })
  const before = await supervision.list()
  for (let round = 0; round < 3; round++) {
    await supervision.kill()
    const apps = await supervision.until(atRest, t.signal)
    assert.deepEqual(apps.map(pidsOf), before.map(pidsOf))
    assert.deepEqual(
      apps.map((app) => portOf(app)),
      before.map((app) => portOf(app)),
    )
  }
  const victims = before.flatMap((app) => pidsOf(app).slice(0, 1))
  for (const pid of victims) process.kill(pid, 'SIGKILL')
  const after = await supervision.until(
    (apps) => atRest(apps) && !apps.flatMap(pidsOf).some((pid) => victims.includes(pid)),
    t.signal,
  )
  for (const app of after) {
    const pid = await get({ port: portOf(app), signal: t.signal })
    assert.ok(pidsOf(app).includes(pid.pid))
  }
  const { total } = await at.load.stop()
  assert.deepEqual([total.refusals, total.timeouts, total.wrong], [0, 0, 0])
  await assertNobodyElse(at)
})

test('killed again within 50 ms, while the next one is coming up', bounded, async (t) => {
  const at = await scene(t)
  const { supervision } = at
  for (const gap of [50, 20, 35, 45]) {
    await supervision.kill()
    await pause(gap)
    for (const pid of supervision.supervisors()) killIfThere(pid)
    const apps = await supervision.until(atRest, t.signal)
    assert.deepEqual(apps.map(pidsOf), [at.pids])
  }
  await endsWell(at)
  await assertNobodyElse(at)
})

test('killed as soon as it answers, again and again, each next one comes as fast', bounded, async (t) => {
  const brood = Brood.create(t)
  const { report } = await brood.start(http, '--name', 'web')
  const supervision = new Supervision(brood)
  // Its worker may not even have seen the one that was killed; waits that grow would not end within the time of this test.
  for (let round = 0; round < 15; round++) {
    await supervision.kill()
    assert.deepEqual((await supervision.back(t.signal)).map(pidsOf), [pidsOf(report)])
  }
  await supervision.until(atRest, t.signal)
})

test('a supervisor that is stopped for a while is not missed, and goes on', bounded, async (t) => {
  const at = await scene(t)
  const { supervision, load } = at
  const pid = await supervision.pid()
  process.kill(pid, 'SIGSTOP')
  await load.until(answeredMore(load.report, 300))
  const asked = supervision.list()
  process.kill(pid, 'SIGCONT')
  assert.deepEqual((await asked).map(pidsOf), [at.pids])
  assert.deepEqual(supervision.supervisors(), [pid], 'nobody took it for dead')
  await supervision.act('reload', 'web')
  await endsWell(at)
  await assertNobodyElse(at)
})

test('a worker that was stopped while its supervisor died is taken back when it goes on', {
  ...bounded,
}, async (t) => {
  const at = await scene(t)
  const { supervision, load } = at
  await load.stop()
  const [stopped = 0] = at.pids
  process.kill(stopped, 'SIGSTOP')
  await supervision.kill()
  await supervision.back(t.signal)
  process.kill(stopped, 'SIGCONT')
  const apps = await supervision.until(atRest, t.signal)
  assert.deepEqual(apps.map(pidsOf), [at.pids])
  await assertNobodyElse(at)
})

test('a worker that stays stopped is replaced when its time to come back is over', bounded, async (t) => {
  const at = await scene(t)
  const { supervision, load } = at
  await load.stop()
  const [stopped = 0, other] = at.pids
  process.kill(stopped, 'SIGSTOP')
  await supervision.kill()
  const [web] = await supervision.until(
    (apps) => atRest(apps) && !pidsOf(apps[0]).includes(stopped),
    t.signal,
  )
  assert.ok(other !== undefined && pidsOf(web).includes(other))
  await assertNobodyElse(at)
})

test('the exit of a worker that was taken back is noticed, and its slot filled', bounded, async (t) => {
  const at = await scene(t)
  const { supervision, load } = at
  const [victim = 0] = at.pids
  await supervision.kill()
  await supervision.until(atRest, t.signal)
  await load.stop()
  process.kill(victim, 'SIGKILL')
  await supervision.event(({ type, pid }) => type === 'worker-exited' && pid === victim, t.signal)
  await supervision.until((apps) => atRest(apps) && !pidsOf(apps[0]).includes(victim), t.signal)
  await assertNobodyElse(at)
})

test('a program that speaks to its parent and listens for the end of the line notices nothing', {
  ...bounded,
}, async (t) => {
  const brood = Brood.create(t)
  const { port, report } = await brood.start(talksToParent, '--name', 'talks')
  const supervision = new Supervision(brood)
  await get({ port, path: '/outlive', signal: t.signal })
  for (let round = 0; round < 3; round++) {
    await supervision.until(atRest, t.signal)
    await supervision.kill()
    const apps = await supervision.until(atRest, t.signal)
    assert.deepEqual(pidsOf(apps[0]), pidsOf(report))
  }
  const { json } = await get({ port, signal: t.signal })
  assert.deepEqual([json.disconnects, json.errors, json.connected], [0, [], true])
  assert.ok(Number(json.sent) - Number(json.acknowledged) <= 2, `${json.acknowledged} of ${json.sent} went`)
})

test('log lines go on over the death of supervisors, each once', bounded, async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(chatty, '--name', 'web')
  const supervision = new Supervision(brood)
  const lines: string[] = []
  const say = async (line: string): Promise<void> => {
    lines.push(line)
    await get({ port, path: `/say?line=${line}`, signal: t.signal })
  }
  for (let round = 0; round < 4; round++) {
    await say(`before-${round}`)
    await supervision.kill()
    for (let line = 0; line < 20; line++) await say(`without-${round}-${line}`)
    await supervision.back(t.signal)
    await say(`after-${round}`)
  }
  assert.deepEqual(readFileSync(join(brood.home, 'logs/web-0.out.log'), 'utf8').trimEnd().split('\n'), lines)
})

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

test('a supervisor brought up by a worker that lacks a socket replaces the one that has it without a failure', {
  ...bounded,
}, async (t) => {
  const at = await scene(t)
  const { supervision } = at
  await supervision.kill()
  await supervision.until(atRest, t.signal)
  await supervision.client.call('scale', { app: 'web', change: '3' })
  const all = pidsOf((await supervision.until(atRest, t.signal))[0])
  const [third = 0] = all.filter((pid) => !at.pids.includes(pid))
  // It is the first that would bring a supervisor up, being the only one that has the sockets of all three.
  process.kill(third, 'SIGSTOP')
  await supervision.kill()
  await supervision.back(t.signal)
  process.kill(third, 'SIGCONT')
  const back = pidsOf((await supervision.until(atRest, t.signal))[0])
  assert.deepEqual(back, all)
  const events = await at.brood.events()
  assert.ok(events.some(({ type, slot }) => type === 'supervisor-left' && slot === 2))
  await supervision.act('reload', 'web')
  await endsWell(at)
})

test('connections wait for nobody where only a worker that has gone had the socket', bounded, async (t) => {
  const at = await scene(t)
  const { supervision } = at
  await supervision.kill()
  await supervision.until(atRest, t.signal)
  await supervision.client.call('scale', { app: 'web', change: '3' })
  await supervision.until(atRest, t.signal)
  await supervision.client.call('scale', { app: 'web', change: '2' })
  const [web] = await supervision.until(
    (apps) => atRest(apps) && pidsOf(apps[0]).some((pid) => !at.pids.includes(pid)),
    t.signal,
  )
  assert.equal(pidsOf(web).filter((pid) => at.pids.includes(pid)).length, 1, 'one new worker is enough')
  await endsWell(at)
})
