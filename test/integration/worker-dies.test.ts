// A worker dies, by a signal or by its own fault: it is replaced, its slot is served meanwhile, and the reason is told.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { get } from '../fixtures/get.ts'
import { askHttp } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { temporaryFolder, temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
/** So many at once that each slot's queue gets some. */
const many = 60

/** A program that serves HTTP as soon as its gate is open, and holds the door until then. */
function gated(t: TestContext): { script: string; env: string[]; open(): void; shut(): void } {
  const gate = join(temporaryFolder(t), 'open')
  const script = temporaryProgram(
    t,
    'gated.mjs',
    `import { existsSync, watch } from 'node:fs'
    import http from 'node:http'
    import { dirname } from 'node:path'
    const gate = process.env.GATE
    await new Promise((resolve) => {
      const look = () => {
        if (!existsSync(gate)) return
        watcher.close()
        resolve()
      }
      const watcher = watch(dirname(gate), look)
      look() // only now, so that nothing is missed
    })
    http.createServer((request, response) => {
      response.setHeader('x-pid', process.pid)
      response.end('{}')
    }).listen(Number(process.env.PORT))`,
  )
  const open = () => writeFileSync(gate, '')
  open()
  const env = ['--env', 'PORT=0', '--env', `GATE=${gate}`]
  return { script, env, open, shut: () => rmSync(gate) }
}

async function answerers(t: TestContext, port: number): Promise<Set<number>> {
  const answers = Array.from({ length: many }, () => get({ port, signal: t.signal }))
  return new Set((await Promise.all(answers)).map(({ pid }) => pid))
}

describe('a worker killed with SIGKILL', { concurrency: 3 }, () => {
  test('is replaced, and its end is told', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
    const [killed, sibling] = pidsOf(report)
    assert.ok(killed)
    process.kill(killed, 'SIGKILL')
    const { at: _, id: __, ...exited } = await brood.event(({ type }) => type === 'worker-exited')
    const expected = {
      type: 'worker-exited',
      app: 'web',
      slot: 0,
      pid: killed,
      reason: 'was killed by SIGKILL',
      cause: 'crash',
    }
    assert.deepEqual(exited, expected)
    const replacement = await brood.event(
      ({ type, slot, pid }) => type === 'worker-ready' && slot === 0 && pid !== killed,
    )
    const [web] = await brood.list()
    assert.deepEqual(pidsOf(web), [replacement.pid, sibling])
    assert.deepEqual(
      web?.workers.map(({ restarts }) => restarts),
      [1, 0],
    )
    assert.deepEqual(await answerers(t, port), new Set(pidsOf(web)))
  })

  test('leaves its queue to a sibling, which keeps it until the replacement listens', bounded, async (t) => {
    const brood = Brood.create(t)
    const { script, env, open, shut } = gated(t)
    const { report, port } = await brood.start(script, '-w', '2', '--name', 'web', ...env)
    const [sibling, killed] = pidsOf(report)
    assert.ok(killed)
    shut()
    process.kill(killed, 'SIGKILL')
    await brood.event(({ type, pid }) => type === 'worker-exited' && pid === killed)
    const replacement = await brood.waitForWorker('web', 'starting')
    const adopted = async () =>
      (await brood.list()).flatMap(({ workers }) =>
        workers.map((worker) => ({ pid: worker.pid, adopted: worker.adopted })),
      )
    assert.deepEqual(await adopted(), [
      { pid: sibling, adopted: [1] },
      { pid: replacement, adopted: [] },
    ])
    assert.deepEqual(await answerers(t, port), new Set([sibling]))
    open()
    await brood.event(({ type, pid }) => type === 'worker-ready' && pid === replacement)
    assert.deepEqual(await adopted(), [
      { pid: sibling, adopted: [] },
      { pid: replacement, adopted: [] },
    ])
    assert.deepEqual(await answerers(t, port), new Set([sibling, replacement]))
  })

  test('leaves what waits to its replacement when it was the only one', bounded, async (t) => {
    const brood = Brood.create(t)
    const { script, env, open, shut } = gated(t)
    const { report, port } = await brood.start(script, '--name', 'web', ...env)
    const [killed] = pidsOf(report)
    assert.ok(killed)
    shut()
    process.kill(killed, 'SIGKILL')
    const replacement = await brood.waitForWorker('web', 'starting')
    const sockets = Array.from({ length: many }, () => net.connect(port, '127.0.0.1'))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
    })
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
    open()
    const answers = await Promise.all(sockets.map((socket) => once(socket, 'data', { signal: t.signal })))
    for (const [answer] of answers) assert.match(String(answer), new RegExp(`^x-pid: ${replacement}\r$`, 'm'))
  })
})

describe('a slot that crashes again and again', { concurrency: 3 }, () => {
  const crashing = program('crashes-after-ready.js')
  const crash = 'exited with code 1: Error: crashed after ready (crashes-after-ready.js:12)'

  test('is given up after so many restarts, with the reason, and clients are refused', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(crashing, '--name', 'web', '--intensity', '3')
    const failed = await brood.event(({ type }) => type === 'slot-failed')
    assert.equal(failed.reason, `3 restarts within 10s; the last: ${crash}`)
    const events = (await brood.events()).filter(({ app }) => app === 'web')
    const count = (wanted: string) => events.filter(({ type }) => type === wanted).length
    assert.deepEqual(
      [count('worker-ready'), count('worker-exited'), count('worker-backoff')],
      [4, 4, 2],
      'the first restart comes at once, the others after a pause',
    )
    const delays = events.filter(({ type }) => type === 'worker-backoff').map(({ reason }) => reason)
    assert.deepEqual(delays, ['the next try is in 100ms', 'the next try is in 200ms'])
    const { status, workers, failure } = await brood.show('web')
    assert.equal(status, 'failed')
    assert.deepEqual(
      workers.map(({ state, pid }) => ({ state, pid })),
      [{ state: 'failed', pid: null }],
    )
    assert.ok(failure)
    assert.equal(failure.reason, crash)
    assert.match(failure.stack ?? '', /^Error: crashed after ready\n {4}at .*crashes-after-ready\.js:12:/)
    assert.match(failure.stderr.join('\n'), /crashed after ready/)
    await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
  })

  test('is tried again by a reload', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = ['--name', 'web', '--intensity', '0']
    const script = temporaryProgram(
      t,
      'mended.mjs',
      `import http from 'node:http'
      const server = http.createServer((request, response) => {
        response.setHeader('x-pid', process.pid)
        response.end('{}')
        if (request.url === '/crash') setImmediate(() => { throw new Error('crashed') })
      })
      server.listen(Number(process.env.PORT))`,
    )
    const { report } = await brood.start(script, ...flags)
    const port = Number(report.addresses[0]?.split(':').at(-1))
    await get({ port, path: '/crash', signal: t.signal })
    await brood.event(({ type }) => type === 'slot-failed')
    await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
    const ran = await brood.run('reload', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const [web] = await brood.list()
    assert.equal(web?.status, 'running')
    const again = Number(web.addresses[0]?.split(':').at(-1))
    assert.deepEqual([(await get({ port: again, signal: t.signal })).pid], pidsOf(web))
  })

  test('and is given up leaves its queue to a sibling for good, until it is reloaded', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = ['-w', '2', '--name', 'web', '--intensity', '0']
    const { report, port } = await brood.start(program('http.js'), ...flags)
    const [sibling, killed] = pidsOf(report)
    assert.ok(killed)
    process.kill(killed, 'SIGKILL')
    await brood.event(({ type, slot }) => type === 'slot-failed' && slot === 1)
    const [web] = await brood.list()
    assert.equal(web?.status, 'degraded')
    assert.deepEqual(
      web.workers.map(({ pid, state, adopted }) => ({ pid, state, adopted })),
      [
        { pid: sibling, state: 'ready', adopted: [1] },
        { pid: null, state: 'failed', adopted: [] },
      ],
    )
    assert.deepEqual(await answerers(t, port), new Set([sibling]))
    const ran = await brood.run('reload', 'web/1')
    assert.equal(ran.code, 0, ran.stderr)
    const [mended] = await brood.list()
    assert.equal(mended?.status, 'running')
    assert.equal(pidsOf(mended)[0], sibling)
    assert.deepEqual(await answerers(t, port), new Set(pidsOf(mended)))
  })
})

describe('what ended a worker is told with its message and stack:', { concurrency: 3 }, () => {
  const ends = [
    { path: '/crash', says: 'Error: crashed on request' },
    { path: '/reject', says: 'Error: rejected on request' },
  ]
  for (const { path, says } of ends) {
    test(`${says.slice(7)}`, bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await brood.start(program('http.js'), '--name', 'web')
      assert.equal((await brood.show('web')).failure, null)
      await assert.rejects(get({ port, path, signal: t.signal }), { code: 'ECONNRESET' })
      const [pid] = pidsOf(report)
      const { reason } = await brood.event((event) => event.type === 'worker-exited' && event.pid === pid)
      assert.match(reason ?? '', new RegExp(`^exited with code 1: ${says} \\(http\\.js:\\d+\\)$`))
      const { failure } = await brood.show('web')
      assert.ok(failure)
      assert.deepEqual([failure.reason, failure.slot], [reason, 0])
      assert.match(failure.stack ?? '', new RegExp(`^${says}\n {4}at .*http\\.js:\\d+:\\d+`))
      const asking = keepAsking(askHttp(port), t.signal)
      const next = await brood.event((event) => event.type === 'worker-ready' && event.pid !== pid)
      await asking.answersFrom([Number(next.pid)])
      assert.deepEqual(await asking.stop(), [])
    })
  }

  test('process.exit', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await brood.start(program('http.js'), '--name', 'web')
    await assert.rejects(get({ port, path: '/exit?code=7', signal: t.signal }), { code: 'ECONNRESET' })
    const { reason } = await brood.event(({ type }) => type === 'worker-exited')
    assert.equal(reason, 'exited with code 7')
    const { failure } = await brood.show('web')
    assert.ok(failure)
    assert.deepEqual([failure.reason, failure.stack], [reason, undefined])
  })
})
