// Guarantee 8, on the control socket: whatever is sent there is answered with an error and closed, and nobody else notices.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { AppDetail } from '../../src/daemon/control/contract.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { Beside } from '../support/command.ts'
import { type Answered, exchange, holdOpen, post } from '../support/control-socket.ts'

const timeout = 60_000
const server = program('http.js')
const megabyte = 1 << 20

test('bytes that are no request are answered with 400 and closed', { timeout }, async (t) => {
  const { brood, unharmed } = await underWatch(t)
  const random = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919 + (index >> 3)) % 256))
  for (const bytes of [
    random,
    'hello?\r\n\r\n',
    '{"target":"web"}\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000',
  ]) {
    refused(await exchange(brood.home, bytes, { end: true }), 400)
  }
  await unharmed()
})

test('half a request is answered with 400 when no more comes, and holds nobody up until then', {
  timeout,
}, async (t) => {
  const { brood, unharmed } = await underWatch(t)
  const halves = [
    'POST /v1/stop HTTP/1.1\r\nhost: ',
    'POST /v1/kill HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{',
  ]
  for (const half of halves) refused(await exchange(brood.home, half, { end: true }), 400)
  const held = await Promise.all(
    Array.from({ length: 200 }, (_, index) => holdOpen(t, brood.home, halves[index % 2] ?? '')),
  )
  await unharmed()
  const closed = held.map((socket) => once(socket.resume(), 'close'))
  for (const socket of held) socket.end()
  await Promise.all(closed)
})

test('a head or a body that is too large is refused before it has all arrived', { timeout }, async (t) => {
  const { brood, unharmed } = await underWatch(t)
  const { home } = brood
  refused(await exchange(home, `POST /v1/list HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}`), 431)
  // All of what is sent is read, so the answer cannot get lost: 10 MB are announced, and a byte too many comes.
  const head = `POST /v1/stop HTTP/1.1\r\nhost: x\r\ncontent-length: ${10 * megabyte}\r\n\r\n`
  refusedFor(await exchange(home, head + 'x'.repeat(megabyte + 1)), 'bad_request', /over 1048576 bytes/)
  // All ten at once: cut off, with the answer or without.
  const all = await post(home, 'stop', `{"target":"web${' '.repeat(10 * megabyte)}"}`)
  assert.ok(all.status === undefined || all.status === 400, `${all.status}`)
  await unharmed()
})

const wrong: [what: string, operation: string, body: string, code: string, ...says: RegExp[]][] = [
  ['an unknown operation', 'nonsense', '{}', 'bad_request', /v1\/nonsense is no operation/],
  ["a name of every object's", 'constructor', '{}', 'bad_request', /no operation/],
  ['a path out of the API', '../../etc/passwd', '{}', 'bad_request', /no operation/],
  ['a body that is not JSON', 'list', '{"app":', 'bad_request', /not JSON/],
  ['a body that is no object', 'list', '[]', 'bad_request', /list: /],
  ['a body that is null', 'show', 'null', 'bad_request', /show: /],
  ['an unknown field', 'list', '{"app":"web"}', 'bad_request', /app/],
  ['a field of every object', 'show', '{"app":"web","__proto__":{"x":1}}', 'bad_request', /__proto__/],
  ['a missing field', 'show', '{}', 'bad_request', /app/],
  ['a field of the wrong type', 'show', '{"app":5}', 'bad_request', /app: .*string/],
  ['a name that is a path', 'show', '{"app":"../web"}', 'bad_request', /app: use letters/],
  ["the name 'all' for one app", 'show', '{"app":"all"}', 'bad_request', /'all'/],
  ['a name of a megabyte', 'show', `{"app":"${'x'.repeat(megabyte - 100)}"}`, 'bad_request', /at most 64/],
  ['a target that is a path', 'stop', '{"target":"web/../.."}', 'bad_request', /target/],
  ['a slot that is negative', 'reload', '{"target":"web/-1"}', 'bad_request', /target/],
  ['a slot that is not there', 'reload', '{"target":"web/9999"}', 'no_such_app', /slots 0 to 1/],
  ['an app that is not there', 'stop', '{"target":"nothing"}', 'no_such_app', /'nothing'/],
  ['a number where text is asked for', 'scale', '{"app":"web","change":3}', 'bad_request', /change/],
  ['a change that is no number', 'scale', '{"app":"web","change":"1e9"}', 'bad_request', /change/],
  ['a size of zero', 'scale', '{"app":"web","change":"0"}', 'usage', /0 workers/],
  ['an unknown signal', 'signal', '{"target":"web","signal":"SIGNOTHING"}', 'bad_request', /signal/],
  ['a signal of every object', 'signal', '{"target":"web","signal":"toString"}', 'bad_request', /signal/],
  ['text where a choice is asked for', 'events', '{"follow":"yes"}', 'bad_request', /follow/],
  ['a time in words', 'events', '{"follow":false,"since":"1h"}', 'bad_request', /since/],
  ['a time that is negative', 'events', '{"follow":false,"until":-1}', 'bad_request', /until/],
  ['more events than one answer holds', 'events', '{"follow":false,"limit":10001}', 'bad_request', /limit/],
  ['an unknown type of events', 'events', '{"follow":false,"types":["x"]}', 'bad_request', /types/],
  ['an app that is no description', 'start', '{"spec":5}', 'bad_request', /spec/],
  [
    'JSON 100,000 levels deep',
    'show',
    `{"app":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    'bad_request',
    /app/,
  ],
  [
    'objects 100,000 levels deep',
    'start',
    `${'{"spec":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
    'bad_request',
    /spec/,
  ],
]

test('what is not understood is answered with an error that names the field', { timeout }, async (t) => {
  const { brood, unharmed } = await underWatch(t)
  for (const [what, operation, body, code, ...says] of wrong) {
    await t.test(what, async () => refusedFor(await post(brood.home, operation, body), code, ...says))
  }
  await unharmed()
})

test('another method, another path and another host are no operations', { timeout }, async (t) => {
  const { brood, unharmed } = await underWatch(t)
  for (const line of [
    'GET /v1/list',
    'DELETE /v1/kill',
    'POST /v2/list',
    'POST /',
    'POST http://elsewhere/v1/list',
  ]) {
    const answer = await exchange(brood.home, `${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
    refusedFor(answer, 'bad_request', /no operation/)
  }
  await unharmed()
})

test('a description with one wrong field starts nothing, and the error names the field', {
  timeout,
}, async (t) => {
  const { brood, unharmed, spec } = await underWatch(t)
  const variants: [field: string, change: object][] = [
    ['spec.name', { name: 'all' }],
    ['spec.name', { name: '' }],
    ['spec.script', { script: 'relative.js' }],
    ['spec.args.1', { args: ['fine', 5] }],
    ['spec.cwd', { cwd: 'here' }],
    ['spec.env.PORT', { env: { PORT: 3000 } }],
    ['spec.workers', { workers: 0 }],
    ['spec.workers', { workers: 1.5 }],
    ['spec.workers', { workers: 1e9 }],
    ['spec.maxWorkers', { maxWorkers: '64' }],
    ['spec.port', { port: 70_000 }],
    ['spec.share', { share: 'evenly' }],
    ['spec.ready.timeout', { ready: { ...spec.ready, timeout: -1 } }],
    ['spec.ready.extra', { ready: { ...spec.ready, extra: true } }],
    ['spec.stop.signal', { stop: { ...spec.stop, signal: 'SIGNOTHING' } }],
    ['spec.stop.grace', { stop: { ...spec.stop, grace: 1e12 } }],
    ['spec.restart.policy', { restart: { ...spec.restart, policy: 'often' } }],
    ['spec.restart.intensity', { restart: { ...spec.restart, intensity: null } }],
    ['spec.logs.to', { logs: { to: 'nowhere' } }],
    ['spec.hooks.0.on.0', { hooks: [{ on: ['sunrise'], run: 'true' }] }],
    ['spec.hooks.0', { hooks: [{ on: ['crash'] }] }],
    ['spec.ready', { ready: { ...spec.ready, on: 'probe' } }],
    ['spec.unknown', { unknown: 1 }],
  ]
  for (const [field, change] of variants) {
    const body = JSON.stringify({ spec: { ...spec, name: 'other', ...change } })
    refusedFor(
      await post(brood.home, 'start', body),
      'bad_request',
      new RegExp(`start: ${field.replaceAll('.', '\\.')}: `),
    )
  }
  await unharmed()
})

test('a description that only the system can find wrong starts nothing, either', { timeout }, async (t) => {
  const { brood, unharmed, spec } = await underWatch(t)
  const impossible: [change: object, code: string][] = [
    [{ script: '/nowhere/to-be-found.js' }, 'script_not_found'],
    [{ script: `${server}\0` }, 'script_not_found'],
    [{ cwd: '/nowhere/at/all' }, 'spawn_failed'],
    [{ args: ['a\0b'] }, 'usage'],
    [{ env: { ...spec.env, 'A\0': 'b' } }, 'usage'],
    // One variable may have 128 KB; the kernel refuses to start a program with more.
    [{ env: { ...spec.env, BIG: 'x'.repeat(200_000) } }, 'spawn_failed'],
  ]
  for (const [change, code] of impossible) {
    const body = JSON.stringify({ spec: { ...spec, name: 'other', ...change } })
    refusedFor(await post(brood.home, 'start', body), code)
  }
  await unharmed()
})

interface Watch {
  readonly brood: Brood
  readonly spec: AppDetail['spec']
  /** Fails if the supervisor, a worker or anybody who listens has noticed anything. */
  unharmed(): Promise<void>
}

/** A brood with an app of two workers, somebody who follows its events, and a connection in use to a worker. */
async function underWatch(t: TestContext): Promise<Watch> {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(server, '--name', 'web', '-w', '2')
  const { spec } = await brood.show('web')
  const before = await brood.json<{ pid: number }>('show')
  const follower = new Beside(t, brood.spawn('events', '-f', '--json'))
  await follower.until(/"started"/)
  return {
    brood,
    spec: { ...spec, env: { PATH: process.env.PATH ?? '', PORT: '0' } },
    async unharmed() {
      const apps = await brood.list()
      assert.deepEqual(
        apps.map(({ name, status }) => ({ name, status })),
        [{ name: 'web', status: 'running' }],
      )
      assert.deepEqual(pidsOf(apps[0]), pidsOf(report), 'the same workers')
      const after = await brood.json<{ pid: number }>('show')
      assert.equal(after.pid, before.pid, 'the same supervisor')
      const answer = await fetch(`http://127.0.0.1:${port}/`)
      assert.equal(answer.status, 200)
      await answer.arrayBuffer()
      assert.equal(brood.processes().length, 1 + 2 + 1, 'the supervisor, two workers, and who follows')
      const signalled = await brood.run('reload', 'web/0')
      assert.equal(signalled.code, 0, signalled.stderr)
      await follower.until(/"reloaded"/)
      follower.child.kill()
      await follower.ended
    },
  }
}

function refused(answer: Answered, status: number): void {
  assert.equal(answer.status, status, answer.body)
}

function refusedFor(answer: Answered, code: string, ...says: RegExp[]): void {
  assert.ok(
    answer.status !== undefined && answer.status >= 400 && answer.status < 500,
    `${answer.status} ${answer.body}`,
  )
  const { error } = JSON.parse(answer.body)
  assert.equal(error.code, code, answer.body)
  for (const pattern of says) assert.match(error.message, pattern)
  assert.ok(error.message.length < 500, `${error.message.length} characters are no message`)
}
