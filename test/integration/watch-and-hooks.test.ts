// What acts by itself: a reload when files change, and hooks that tell others what happens.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'
import { HookFile, HookReceiver } from '../support/hook-receiver.ts'
import { startLoad } from '../support/load/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

describe('--watch', { concurrency: 2 }, () => {
  /** A program in a folder of its own, whose answer is told by another file beside it. */
  async function watched(t: TestContext, ...flags: string[]) {
    const folder = temporaryFolder(t)
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
    const answer = (text: string) => write('answer.mjs', `export default ${JSON.stringify(text)}`)
    answer('first')
    write(
      'server.mjs',
      `import http from 'node:http'
      import answer from './answer.mjs'
      http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end(JSON.stringify({ answer }))
      }).listen(Number(process.env.PORT))`,
    )
    // The home is in the folder that is watched, and what workers log in it.
    const brood = Brood.create(t)
    const common = ['--name', 'web', '--cwd', folder, '--settle', '50ms', '--watch', '--env', 'PORT=0']
    const ran = await brood.run('start', join(folder, 'server.mjs'), '--json', ...common, ...flags)
    assert.equal(ran.code, 0, ran.stderr)
    const reloads = async () =>
      (await brood.events()).filter(({ type, cause }) => type === 'asked' && cause?.startsWith('watch: '))
    return { brood, folder, write, answer, reloads, port: portOf(JSON.parse(ran.stdout)) }
  }

  test('reloads once for a burst of changes, without a failed request', bounded, async (t) => {
    const { brood, folder, write, answer, reloads, port } = await watched(t)
    const load = startLoad({ port, signal: t.signal, kinds: { keepAliveBusy: { clients: 3, pause: 5 } } })
    answer('second')
    for (const index of [1, 2, 3, 4, 5]) write(`part-${index}.txt`, 'new')
    await brood.event(({ type }) => type === 'reloaded')
    assert.equal((await get({ port })).json.answer, 'second')
    const [asked, ...more] = await reloads()
    assert.deepEqual(more, [])
    assert.equal(asked?.reason, 'reload')
    assert.equal(asked.cause, `watch: ${join(folder, 'answer.mjs')} changed`)
    assert.deepEqual((await load.stop()).examples, [])
  })

  test('goes on after a change that was no good', bounded, async (t) => {
    const { brood, write, answer, port } = await watched(t)
    write('answer.mjs', 'this is no JavaScript')
    await brood.event(({ type }) => type === 'reload-aborted')
    assert.equal((await get({ port })).json.answer, 'first')
    answer('second')
    await brood.event(({ type }) => type === 'reloaded')
    assert.equal((await get({ port })).json.answer, 'second')
  })

  test('does not look at what is ignored, nor at logs in the folder', bounded, async (t) => {
    const { brood, folder, write, answer, reloads } = await watched(t, '--ignore-watch', '*.log')
    mkdirSync(join(folder, 'node_modules'))
    write('node_modules/other.mjs', 'new')
    write('mine.log', 'new')
    answer('second')
    await brood.event(({ type }) => type === 'reloaded')
    const [asked, ...more] = await reloads()
    assert.deepEqual(more, [])
    assert.equal(asked?.cause, `watch: ${join(folder, 'answer.mjs')} changed`)
  })

  test('ends with its app, and begins again with it', bounded, async (t) => {
    const { brood, answer, reloads, port } = await watched(t)
    assert.equal((await brood.run('stop', 'web')).code, 0)
    answer('second')
    assert.equal((await brood.run('restart', 'web')).code, 0)
    const again = portOf(await brood.show('web'))
    assert.equal((await get({ port: again })).json.answer, 'second', `on ${port} before`)
    answer('third')
    await brood.event(({ type }) => type === 'reloaded')
    const found = await reloads()
    assert.equal(found.length, 1)
  })
})

test('a change that waits for the end of a reload is not lost by other commands', bounded, async (t) => {
  const brood = Brood.create(t)
  const folder = temporaryFolder(t)
  const gate = join(temporaryFolder(t), 'gate')
  const answer = (text: string) => writeFileSync(join(folder, 'answer.txt'), text)
  answer('first')
  writeFileSync(gate, 'open')
  writeFileSync(
    join(folder, 'server.mjs'),
    `import { existsSync, readFileSync } from 'node:fs'
    import http from 'node:http'
    const answer = readFileSync(${JSON.stringify(join(folder, 'answer.txt'))}, 'utf8')
    const server = http.createServer((request, response) => {
      response.setHeader('x-pid', process.pid)
      response.end(JSON.stringify({ answer }))
    })
    const isOpen = setInterval(() => {
      if (!existsSync(${JSON.stringify(gate)})) return
      clearInterval(isOpen)
      server.listen(Number(process.env.PORT))
    }, 20)`,
  )
  const app = { name: 'web', script: join(folder, 'server.mjs'), port: 0, watch: [folder] }
  const file = new ConfigFile(t)
  assert.equal((await brood.run('start', file.write([app]))).code, 0)
  const port = portOf(await brood.show('web'))
  const asked = async (count: number) => {
    let seen = 0
    await brood.event(({ cause }) => cause?.startsWith('watch: ') === true && ++seen === count)
  }
  rmSync(gate)
  answer('second')
  await asked(1)
  answer('third')
  await asked(2)
  assertRefused(await brood.run('reload', 'web'), 1, /'web' is in the middle of a reload/)
  const applied = await brood.run('apply', file.write([{ ...app, stop: { grace: '9s' } }]))
  assert.equal(applied.code, 0, applied.stderr)
  writeFileSync(gate, 'open')
  let reloads = 0
  await brood.event(({ type }) => type === 'reloaded' && ++reloads === 2)
  assert.equal((await get({ port })).json.answer, 'third')
})

test('the home below a watched folder is no change', bounded, async (t) => {
  const brood = Brood.create(t)
  // The program writes to its log as soon as it listens, and again for each new worker: that would never rest.
  const { report } = await brood.start(
    program('http.js'),
    '--name',
    'web',
    `--watch=${brood.home}`,
    '--settle',
    '50ms',
  )
  const gate = temporaryFolder(t)
  const other = await brood.start(
    program('http.js'),
    '--name',
    'other',
    `--watch=${gate}`,
    '--settle',
    '50ms',
  )
  assert.equal((await brood.run('reload', 'other')).code, 0)
  // A change that counts comes after whatever the logs have brought about.
  writeFileSync(join(gate, 'file'), 'new')
  await brood.event(({ type, cause }) => type === 'asked' && cause === `watch: ${join(gate, 'file')} changed`)
  const asked = (await brood.events()).filter(
    ({ type, app, cause }) => type === 'asked' && app === 'web' && cause !== 'command start',
  )
  assert.deepEqual(asked, [])
  assert.deepEqual(pidsOf(await brood.show('web')), pidsOf(report))
  assert.equal(other.report.status, 'running')
})

describe('hooks', { concurrency: 2 }, () => {
  test('post to a web address what is documented', bounded, async (t) => {
    const brood = Brood.create(t)
    const receiver = await HookReceiver.create(t)
    const hook = `ready,crash,failed,blocked,reload,reload-aborted=${receiver.url}`
    const flags = [
      '--name',
      'web',
      '--hook',
      hook,
      '--intensity',
      '1',
      '--watchdog',
      '500ms',
      '--settle',
      '50ms',
    ]
    const { report, port } = await brood.start(program('tires.js'), ...flags)
    const [pid] = pidsOf(report)

    const ready = await receiver.about('ready')
    assert.equal(ready.method, 'POST')
    assert.equal(ready.headers['content-type'], 'application/json')
    assert.match(ready.headers['user-agent'] ?? '', /^brood\/\d/)
    assert.equal(ready.headers['idempotency-key'], ready.body.id)
    const { id, at, ...body } = ready.body
    assert.deepEqual(body, { on: 'ready', app: 'web', slot: 0, pid, host: hostname() })
    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.equal(new Date(at).toISOString(), at)

    assert.equal((await brood.run('reload', 'web')).code, 0)
    const { body: reloaded } = await receiver.about('reload')
    assert.deepEqual([reloaded.app, reloaded.slot, reloaded.reason], ['web', undefined, undefined])

    const blocking = get({ port, path: '/block' }).catch(() => {})
    const { body: blocked } = await receiver.about('blocked')
    assert.match(blocked.reason ?? '', /^did not turn its event loop for/)
    const { body: crash } = await receiver.about('crash')
    assert.deepEqual([crash.slot, crash.pid], [0, blocked.pid])
    assert.match(crash.reason ?? '', /^did not turn its event loop for/)
    await blocking

    const next = await brood.waitForWorker('web', 'ready')
    process.kill(next, 'SIGSEGV')
    const { body: failed } = await receiver.about('failed')
    assert.match(failed.reason ?? '', /^1 restarts? within 10s; the last: was killed by SIGSEGV$/)
    assert.equal(receiver.posted.filter(({ body }) => body.on === 'reload-aborted').length, 0)
    // Each event was told once.
    const ids = receiver.posted.map(({ body }) => body.id)
    assert.equal(new Set(ids).size, ids.length)
  })

  test('post a reload that was given up', bounded, async (t) => {
    const brood = Brood.create(t)
    const receiver = await HookReceiver.create(t)
    const file = new ConfigFile(t)
    const hooks = [{ on: 'reload-aborted', post: receiver.url }]
    const app = { name: 'web', script: program('as-told.js'), port: 0, hooks }
    assert.equal((await brood.run('apply', file.write([app]))).code, 0)
    await brood.run('apply', file.write([{ ...app, env: { BEHAVIOUR: 'crash' } }]))
    const { body } = await receiver.about('reload-aborted')
    assert.deepEqual([body.app, body.slot], ['web', 0])
    assert.match(body.reason ?? '', /^exited with code 1: Error: this release is bad/)
    assert.deepEqual(
      receiver.posted.map((one) => one.body.on),
      ['reload-aborted'],
      'only what it was asked to tell',
    )
  })

  test('run a command with the event on stdin and in variables', bounded, async (t) => {
    const brood = Brood.create(t)
    const told = new HookFile(t)
    const command = `(cat; echo " $BROOD_EVENT $BROOD_EVENT_APP/$BROOD_EVENT_SLOT $BROOD_EVENT_PID $BROOD_EVENT_REASON $COLOUR") >> ${told.path}`
    const flags = [
      '--name',
      'web',
      '--hook',
      `crash,ready=${command}`,
      '--env',
      'COLOUR=green',
      '--env',
      'PORT=0',
    ]
    const { report, port } = await brood.start(program('http.js'), ...flags)
    const [pid] = pidsOf(report)
    await told.line(/ ready web\/0/)
    await get({ port, path: '/crash' }).catch(() => {})
    const line = await told.line(/ crash web\/0/)
    const [, json = '', rest] = /^(\{.*\}) (crash .*)$/.exec(line) ?? []
    const { id: _, at: __, ...body } = JSON.parse(json)
    const { reason } = body
    assert.match(reason, /^exited with code 1: Error: crashed on request \(http\.js:\d+\)$/)
    assert.equal(rest, `crash web/0 ${pid} ${reason} green`)
    assert.deepEqual(body, { on: 'crash', app: 'web', slot: 0, pid, reason, host: hostname() })
  })

  test('that cannot be delivered are told in the history, and hold up nothing', bounded, async (t) => {
    const brood = Brood.create(t)
    const receiver = await HookReceiver.create(t, 410)
    const hook = `ready=${receiver.url}`
    const { report } = await brood.start(program('http.js'), '--name', 'web', '--hook', hook)
    assert.equal(report.status, 'running')
    const failed = await brood.event(({ type }) => type === 'hook-failed')
    assert.equal(failed.app, 'web')
    // The path of such an address often is a secret.
    assert.equal(
      failed.reason?.replace(/ Gone.*/, ''),
      `on ready, ${new URL(receiver.url).origin} answered 410`,
    )
  })
})
