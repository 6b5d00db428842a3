// Workers whose supervisor was killed: what their programs see of it, and that the next supervisor can do with them all it could before.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { get } from '../fixtures/get.ts'
import { type Ask, askHttp, askHttps, askUnixSocket, askWebSocket } from '../support/ask.ts'
import { keepAsking } from '../support/asking.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { temporaryFolder, temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 90_000 }

/** A program that tells and does what it is asked to. */
const obedient = fileURLToPath(new URL('../fixtures/misbehaving/obedient.js', import.meta.url))

/** Has the supervisor killed, and waits until the next one has all workers back. */
async function replaceSupervisor(brood: Brood): Promise<void> {
  const before = await brood.list()
  const killed = await brood.killSupervisor()
  const replaced = await brood.event(({ type, pid }) => type === 'supervisor-replaced' && pid !== killed)
  for (const pid of before.flatMap(pidsOf)) {
    await brood.event(
      (event) => event.type === 'worker-returned' && event.pid === pid && event.id > replaced.id,
    )
  }
  const after = await brood.list()
  assert.deepEqual(after.map(pidsOf), before.map(pidsOf), 'the same processes')
  assert.deepEqual(
    after.map(({ name, status, addresses }) => [name, status, addresses]),
    before.map(({ name, addresses }) => [name, 'running', addresses]),
  )
}

/** An app of the obedient program whose supervisor has been killed. */
async function returned(
  t: TestContext,
  ...flags: string[]
): Promise<{ brood: Brood; port: number; pids: number[]; deed(path: string): ReturnType<typeof get> }> {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(obedient, '--name', 'web', ...flags)
  await replaceSupervisor(brood)
  return { brood, port, pids: pidsOf(report), deed: (path) => get({ port, path, signal: t.signal }) }
}

describe('a program whose supervisor was killed', { concurrency: 2 }, () => {
  test('is connected still, can send and disconnect, and has heard of nothing', bounded, async (t) => {
    const { brood, deed, pids } = await returned(t)
    assert.deepEqual((await deed('/')).json, { connected: true, channel: 'object', disconnects: [] })
    assert.deepEqual((await deed('/send')).json, { sent: true })
    assert.deepEqual((await deed('/disconnect')).json, { connected: false })
    assert.deepEqual((await deed('/')).json.disconnects, ['disconnect'], 'its own one')
    assert.deepEqual(pidsOf((await brood.list())[0]), pids)
    assert.match((await brood.run('logs', 'web')).stdout, /send called back/)
  })

  test('can send more at once than a supervisor takes', bounded, async (t) => {
    const { brood, deed, pids } = await returned(t)
    assert.deepEqual((await deed('/send-much')).json, { sent: true })
    assert.deepEqual((await deed('/')).json.connected, true)
    assert.deepEqual(pidsOf((await brood.list())[0]), pids)
  })

  test('runs its drain hooks, and hears signals', bounded, async (t) => {
    const { brood, pids } = await returned(t, '-w', '2')
    const signalled = await brood.json<{ reached: number }>('signal', 'web', 'USR2')
    assert.deepEqual(signalled, { reached: 2 })
    const ran = await brood.run('reload', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const logs = (await brood.run('logs', 'web')).stdout
    assert.equal(logs.match(/got SIGUSR2/g)?.length, 2)
    assert.equal(logs.match(/drain hook ran/g)?.length, 2)
    assert.equal(
      pidsOf((await brood.list())[0]).some((pid) => pids.includes(pid)),
      false,
    )
  })

  test('tells how it ended: an exception with its stack, an exit code', bounded, async (t) => {
    const { brood, deed, pids } = await returned(t, '-w', '2')
    const thrown = await deed('/throw')
    const first = await brood.event(({ type, pid }) => type === 'worker-exited' && pid === thrown.pid)
    assert.match(first.reason ?? '', /^exited with code 1: TypeError: thrown late \(obedient\.js:\d+\)$/)
    const { failure } = await brood.show('web')
    assert.match(failure?.stack ?? '', /^TypeError: thrown late\n {4}at .*obedient\.js/)
    const other = pids.find((pid) => pid !== thrown.pid)
    const asking = keepAsking(askHttp(Number((await brood.list())[0]?.addresses[0]?.slice(2))), t.signal)
    assert.ok(other)
    await asking.answersFrom([other])
    assert.deepEqual(await asking.stop(), [])
    for (;;) {
      // Either worker may be asked; the one that has been replaced meanwhile tells the same.
      const { pid } = await deed('/exit')
      const exited = await brood.event((event) => event.type === 'worker-exited' && event.pid === pid)
      assert.equal(exited.reason, 'exited with code 7')
      if (pid === other) return
      await brood.event(({ type, id }) => type === 'worker-ready' && id > exited.id)
    }
  })

  test('and that is ready by a message is ready when it says so to the next one', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'says-later.mjs',
      `import http from 'node:http'
      import { existsSync } from 'node:fs'
      if (existsSync(process.env.SHUT)) process.on('SIGUSR2', () => process.send('ready'))
      else process.send('ready')
      http.createServer((_, response) => response.end()).listen(Number(process.env.PORT), () => console.log('listens'))`,
    )
    const shut = join(brood.home, 'shut')
    const flags = ['--name', 'web', '--ready', 'message', '--ready-timeout', '1h', '--env', `SHUT=${shut}`]
    const report = await brood.launch(script, ...flags, '--env', 'PORT=0')
    await brood.waitForLog('web', /listens/) // it was ready before
    writeFileSync(shut, '')
    process.kill(pidsOf(report)[0] ?? 0, 'SIGKILL')
    const started = await brood.waitForWorker('web', 'starting')
    await brood.waitForLog('web', /listens.*listens/s)
    await brood.killSupervisor()
    await brood.event((event) => event.type === 'worker-returned' && event.pid === started)
    process.kill(started, 'SIGUSR2')
    await brood.event((event) => event.type === 'worker-ready' && event.pid === started)
    assert.deepEqual(pidsOf((await brood.list())[0]), [started])
  })

  for (const meanwhile of [false, true])
    test(
      `and that listens on another address ${meanwhile ? 'meanwhile' : 'later'} is replaced by a worker that can`,
      bounded,
      (t) => listensMore(t, meanwhile),
    )

  async function listensMore(t: TestContext, meanwhile: boolean): Promise<void> {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'listens-more.mjs',
      `import http from 'node:http'
      const answer = (_, response) => response.setHeader('x-pid', process.pid).end()
      let more
      const open = () => { more ??= http.createServer(answer).listen(0) }
      const server = http.createServer((request, response) => {
        if (request.url === '/more') open()
        answer(request, response)
      })
      server.listen(Number(process.env.PORT))`,
    )
    const { report, port } = await brood.start(script, '--name', 'web')
    const [pid] = pidsOf(report)
    if (meanwhile) await brood.killSupervisor()
    else await replaceSupervisor(brood)
    await get({ port, path: '/more', signal: t.signal })
    const exited = await brood.event(({ type, pid: other }) => type === 'worker-exited' && other === pid)
    assert.match(exited.reason ?? '', /listens on another address/)
    const next = await brood.event(({ type, id }) => type === 'worker-ready' && id > exited.id)
    assert.equal((await get({ port, path: '/more', signal: t.signal })).pid, next.pid)
    const [, second] = await brood.addresses('web', 2)
    assert.equal((await get({ port: Number(second?.slice(2)), signal: t.signal })).pid, next.pid)
  }

  test('and that is stopped, scaled and started leaves nothing and refuses nobody', bounded, async (t) => {
    const { brood, port, pids } = await returned(t, '-w', '2')
    const asking = keepAsking(askHttp(port), t.signal)
    const more = await brood.run('scale', 'web', '3')
    assert.equal(more.code, 0, more.stderr)
    const [three] = await brood.list()
    assert.deepEqual(pidsOf(three).slice(0, 2), pids)
    await asking.answersFrom(pidsOf(three))
    const fewer = await brood.run('scale', 'web', '1')
    assert.equal(fewer.code, 0, fewer.stderr)
    // Only a new worker can take what waits on the third one's socket.
    await brood.event(({ type, pid }) => type === 'worker-exited' && pid === pids[0])
    assert.equal(pidsOf((await brood.list())[0]).length, 1)
    const restarted = await brood.run('reload', 'web/0')
    assert.equal(restarted.code, 0, restarted.stderr)
    assert.deepEqual(await asking.stop(), [])
    const stopped = await brood.run('stop', 'web')
    assert.equal(stopped.code, 0, stopped.stderr)
    assert.equal(brood.processes().length, 1, 'the supervisor')
    await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
    const again = await brood.run('restart', 'web')
    assert.equal(again.code, 0, again.stderr)
    const [web] = await brood.list()
    assert.ok(web)
    assert.deepEqual([(await get({ port: portOf(web), signal: t.signal })).pid], pidsOf(web))
  })
})

describe('a killed supervisor is not noticed by clients of', { concurrency: 2 }, () => {
  const portOfFirst = (addresses: readonly string[]): number =>
    Number(/:(\d+)$/.exec(addresses[0] ?? '')?.[1])
  const programs: [string, string, (address: readonly string[]) => Ask][] = [
    ['TLS', 'tls.js', (addresses) => askHttps(portOfFirst(addresses))],
    ['WebSocket', 'ws.js', (addresses) => askWebSocket(portOfFirst(addresses))],
    ['a unix socket', 'unix-socket.js', ([path = '']) => askUnixSocket(path)],
  ]
  for (const [what, name, ask] of programs) {
    test(what, bounded, async (t) => {
      const brood = Brood.create(t)
      const path = join(temporaryFolder(t), 'app.sock')
      const env = ['--env', 'PORT=0', '--env', `SOCKET=${path}`]
      const report = await brood.launch(program(name), '--name', 'web', '-w', '2', ...env)
      const asking = keepAsking(ask(report.addresses), t.signal)
      await replaceSupervisor(brood)
      await asking.answersFrom(pidsOf(report))
      const ran = await brood.run('reload', 'web')
      assert.equal(ran.code, 0, ran.stderr)
      await asking.answersFrom(pidsOf((await brood.list())[0]))
      assert.deepEqual(await asking.stop(), [])
    })
  }

  test('an open WebSocket, and one of raw TCP', bounded, async (t) => {
    const brood = Brood.create(t)
    const ws = await brood.start(program('ws.js'), '--name', 'ws')
    const tcp = await brood.start(program('raw-tcp.js'), '--name', 'tcp')
    const socket = new WebSocket(`ws://127.0.0.1:${ws.port}`)
    t.after(() => socket.terminate())
    await once(socket, 'open')
    const raw = net.connect(tcp.port, '127.0.0.1')
    t.after(() => raw.destroy())
    await once(raw, 'data')
    await replaceSupervisor(brood)
    socket.send('still here')
    const [echo] = await once(socket, 'message')
    assert.equal(String(echo), 'still here')
    raw.write('still here')
    assert.equal(String((await once(raw, 'data'))[0]), 'still here')
  })
})
