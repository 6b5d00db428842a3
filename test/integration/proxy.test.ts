// The proxy in front of real servers, alone and as a program under supervision.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { Agent } from 'node:http'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { get } from '../fixtures/get.ts'
import { StartedProgram } from '../fixtures/started-program.ts'
import { Brood, pidsOf } from '../support/brood.ts'
import { assertRefused, Beside, bin, ranOf, brood as runBrood, start } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { formatReport, type LoadReport, startLoad } from '../support/load/index.ts'
import { startProxy, upstreams } from '../support/proxy.ts'
import { temporaryFolder, temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 90_000 }
const proxyProgram = new URL('../../dist/proxy/main.js', import.meta.url).pathname

interface Server {
  readonly program: StartedProgram
  readonly port: number
}

async function servers(t: TestContext, name: string, count: number): Promise<Server[]> {
  const programs = Array.from({ length: count }, () => new StartedProgram(name, { signal: t.signal }))
  t.after(() => Promise.all(programs.map((program) => program[Symbol.asyncDispose]())))
  return Promise.all(programs.map(async (program) => ({ program, port: await program.port() })))
}

const allKinds = {
  keepAliveBusy: { clients: 20, pause: 10 },
  keepAliveIdle: { clients: 20, idleFrom: 20, idleTo: 400 },
  short: { clients: 4, pause: 5 },
  upload: { clients: 2 },
  stream: { clients: 2 },
} as const

function assertNoFailures(t: TestContext, report: LoadReport): void {
  t.diagnostic(`\n${formatReport(report)}`)
  assert.deepEqual(report.examples, [])
  assert.equal(report.total.failures, 0)
  assert.ok(report.total.successes > 0)
}

test('Express: answers, a streamed one, uploads, and who asked', bounded, async (t) => {
  const script = temporaryProgram(
    t,
    'app.mjs',
    `import express from '${import.meta.resolve('express')}'
    const app = express()
    app.set('trust proxy', 1)
    app.get('/who', (request, response) => response.json({ ip: request.ip, host: request.hostname, protocol: request.protocol }))
    const server = app.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port))`,
  )
  const trusting = new Beside(t, start(process.execPath, [script], { home: temporaryFolder(t) }))
  const [, trustingPort] = await trusting.until(/listening on (\d+)/)
  const who = await startProxy(t, [Number(trustingPort)], { trust: true })
  const headers = { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https', host: 'shop.example' }
  const seen = await get({ port: who.port, path: '/who', headers })
  assert.deepEqual(seen.json, { ip: '127.0.0.1', host: 'shop.example', protocol: 'https' })
  const direct = await startProxy(t, [Number(trustingPort)])
  const told = await get({ port: direct.port, path: '/who', headers })
  assert.deepEqual(told.json, { ip: '127.0.0.1', host: 'shop.example', protocol: 'http' })

  const express = await servers(t, 'express.js', 2)
  const { port } = await startProxy(
    t,
    express.map((one) => one.port),
  )
  const load = startLoad({ port, kinds: allKinds, requestsPerClient: 4, signal: t.signal })
  assertNoFailures(t, await load.finished)
})

test('WebSockets by ws: messages of every size, and the end with its code', bounded, async (t) => {
  const both = await servers(t, 'ws.js', 2)
  const { port } = await startProxy(
    t,
    both.map((one) => one.port),
  )
  const pids = new Set<unknown>()
  for (let turn = 0; turn < 4; turn++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    t.after(() => socket.terminate())
    socket.once('upgrade', (answer) => pids.add(answer.headers['x-pid']))
    await once(socket, 'open')
    for (const size of [0, 1, 200, 70_000, 3_000_000]) {
      const answered = once(socket, 'message')
      socket.send(Buffer.alloc(size, turn + 1))
      const [message] = await answered
      assert.ok(Buffer.alloc(size, turn + 1).equals(message))
    }
    const closed = once(socket, 'close')
    socket.close(4001, 'enough')
    assert.equal((await closed)[0], 4001)
  }
  assert.equal(pids.size, 2)
})

test(
  'socket.io with long-polling stays with its worker by the cookie, and fails without',
  bounded,
  async (t) => {
    const three = await servers(t, 'socket-io.js', 3)
    const ports = three.map((one) => one.port)
    const pids = new Set(three.map(({ program }) => program.pid))

    const connect = (port: number, withCredentials: boolean) => {
      const socket = io(`http://127.0.0.1:${port}`, {
        ...{ transports: ['polling'], reconnection: false, forceNew: true, withCredentials },
        // The types are those of its WebSockets' options; in Node it is the agent of its requests.
        agent: new Agent({ keepAlive: false }) as never,
      })
      t.after(() => socket.disconnect())
      return new Promise<{ pid: number; say(text: string): Promise<unknown> }>((resolve, reject) => {
        const say = (text: string) => socket.timeout(10_000).emitWithAck('say', text)
        socket.once('worker', (pid) => resolve({ pid, say }))
        socket.once('connect_error', reject)
        socket.once('disconnect', (reason) => reject(new Error(reason)))
      })
    }
    const sticky = await startProxy(t, ports, { sticky: { cookie: 'brood' } })
    const clients = await Promise.all(Array.from({ length: 9 }, () => connect(sticky.port, true)))
    assert.deepEqual(new Set(clients.map(({ pid }) => pid)), pids)
    for (let round = 0; round < 3; round++) {
      const heard = await Promise.all(clients.map((client) => client.say(`${round}`)))
      assert.deepEqual(
        heard,
        clients.map(({ pid }) => ({ text: `${round}`, pid })),
      )
    }
    const loose = await startProxy(t, ports)
    const outcomes = await Promise.allSettled(Array.from({ length: 9 }, () => connect(loose.port, true)))
    assert.ok(outcomes.some(({ status }) => status === 'rejected'))
  },
)

test('kill -9 of one of three upstreams under load: no GET fails', bounded, async (t) => {
  const three = await servers(t, 'http.js', 3)
  const { port, warnings } = await startProxy(
    t,
    three.map((one) => one.port),
  )
  const { keepAliveBusy, keepAliveIdle, short } = allKinds
  const load = startLoad({ port, kinds: { keepAliveBusy, keepAliveIdle, short }, signal: t.signal })
  const [victim, ...others] = three.map(({ program }) => program)
  assert.ok(victim)
  const pids = three.map(({ program }) => program.pid)
  await load.until(({ total }) => pids.every((pid) => total.pids.has(pid)))
  victim.kill('SIGKILL')
  await victim.exited
  const before = load.report.total.successes
  await load.until(({ total }) => total.successes > before + 1000)
  const report = await load.stop()
  assertNoFailures(t, report)
  assert.equal(others.length, 2)
  assert.ok(warnings.length >= 1, 'somebody noticed')
})

test('upstreams change under load, again and again: nothing fails', bounded, async (t) => {
  const four = await servers(t, 'http.js', 4)
  const ports = four.map((one) => one.port)
  const { port, proxy, route } = await startProxy(t, ports.slice(0, 2))
  const load = startLoad({ port, kinds: allKinds, signal: t.signal })
  for (let round = 0; round < 40; round++) {
    const chosen = upstreams(...ports).filter(({ slot }) => (slot + round) % 4 < 2)
    const algorithm = round % 2 === 0 ? 'least-connections' : 'round-robin'
    await proxy.update([{ ...route, algorithm, upstreams: chosen }])
    const before = load.report.total.successes
    await load.until(({ total }) => total.successes > before + 50)
  }
  const report = await load.stop()
  assertNoFailures(t, report)
  assert.equal(report.total.pids.size, 4)
})

test('as a brood app with two workers, reloaded under load: nothing fails', {
  timeout: 180_000,
}, async (t) => {
  const two = await servers(t, 'http.js', 2)
  const brood = Brood.create(t)
  const to = two.flatMap((one) => ['--to', String(one.port)])
  const { report: before, port } = await brood.start(
    proxyProgram,
    ...['-w', '2', '--name', 'proxy', '--', '--listen', '0', ...to],
  )
  const load = startLoad({ port, kinds: allKinds, signal: t.signal })
  await load.until(({ total }) => total.successes > 200)
  for (let round = 0; round < 3; round++) {
    const ran = await brood.run('reload', 'proxy')
    assert.equal(ran.code, 0, ran.stderr)
  }
  const [after] = await brood.list()
  assert.equal(
    pidsOf(after).some((pid) => pidsOf(before).includes(pid)),
    false,
  )
  const then = load.report.total.successes
  await load.until(({ total }) => total.successes > then + 200)
  assertNoFailures(t, await load.stop())
})

test('an upstream that does not even accept is passed over in time', bounded, async (t) => {
  const script = temporaryProgram(
    t,
    'full.mjs',
    `import net from 'node:net'
    const server = net.createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
      console.log('listening on ' + server.address().port)
    })`,
  )
  const child = start(process.execPath, [script], { home: temporaryFolder(t) })
  const full = new Beside(t, child)
  const port = Number((await full.until(/listening on (\d+)/))[1])
  child.kill('SIGSTOP')
  // Its queue takes two connections; what comes after that gets no answer from the kernel.
  const queue = Array.from({ length: 4 }, () => net.connect(port, '127.0.0.1').on('error', () => {}))
  t.after(() => {
    for (const socket of queue) socket.destroy()
  })
  await Promise.all(queue.slice(0, 2).map((socket) => once(socket, 'connect')))
  const [other] = await servers(t, 'http.js', 1)
  assert.ok(other)
  const timeouts = { connect: 100 }
  const both = await startProxy(t, [port, other.port], { timeouts })
  assert.equal((await get({ port: both.port })).pid, other.program.pid)
  const alone = await startProxy(t, [port], { timeouts })
  const answer = await get({ port: alone.port })
  assert.deepEqual([answer.status, answer.body], [502, 'Bad Gateway: slot 0: no connection in time\n'])
})

test(
  '`brood proxy`: says where it listens and to whom it forwards, and drains on SIGTERM',
  bounded,
  async (t) => {
    const two = await servers(t, 'http.js', 2)
    const home = temporaryFolder(t)
    const to = two.flatMap((one) => ['--to', `127.0.0.1:${one.port}`])
    const listen = ['proxy', '--listen', '127.0.0.1:0', ...to]
    const child = start(process.execPath, [bin, ...listen, '--balance', 'least-connections'], { home })
    const proxy = new Beside(t, child)
    const said = await proxy.until(/^http on 127\.0\.0\.1:(\d+) → (.*) \((.*)\)\n/)
    const addresses = two.map((one) => `127.0.0.1:${one.port}`).join(', ')
    assert.deepEqual(said.slice(2), [addresses, 'least-connections'])
    const port = Number(said[1])
    const streamed = http.get({ host: '127.0.0.1', port, path: '/stream', agent: false })
    const [answer] = (await once(streamed, 'response')) as [http.IncomingMessage]
    child.kill('SIGTERM')
    assert.match(await text(answer), /piece 10 of 10\n$/)
    assert.equal((await proxy.ended).code, 0)

    const asJson = new Beside(t, start(process.execPath, [bin, ...listen, '--json', '--sticky'], { home }))
    const [line] = await asJson.until(/^\{.*\}\n/)
    const { listening, ...rest } = JSON.parse(line)
    assert.match(listening, /^127\.0\.0\.1:\d+$/)
    const known = upstreams(...two.map((one) => one.port))
    assert.deepEqual(rest, { mode: 'http', algorithm: 'round-robin', upstreams: known, sticky: 'brood' })
    asJson.child.kill('SIGINT')
    assert.equal((await asJson.ended).code, 0)
  },
)

test('the program for `brood start`: its arguments are those of the command', bounded, async (t) => {
  const home = temporaryFolder(t)
  const program = (...args: string[]) => start(process.execPath, [proxyProgram, ...args], { home })
  for (const [args, code, says] of [
    [[], 2, /^brood proxy: --listen is missing/],
    [['--listen', '0', '--too', '1'], 2, /^brood proxy: Unknown option '--too'/],
    [['--listen', '192.0.2.1:1', '--to', '1'], 1, /^brood proxy: cannot listen on 192\.0\.2\.1:1/],
  ] as const) {
    const ran = await ranOf(program(...args))
    assert.deepEqual([ran.code, ran.stdout], [code, ''])
    assert.match(ran.stderr, says)
  }
  const [server] = await servers(t, 'http.js', 1)
  const port = await freePort()
  const listen = ['--listen', `127.0.0.1:${port}`, '--to', String(server?.port)]
  const sticky = new Beside(t, program('--sticky', ...listen, '--weights', '2', '--balance', 'weighted'))
  await sticky.until(/^listening on 127\.0\.0\.1:\d+\n/)
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  assert.match(answer.headers.get('set-cookie') ?? '', /^brood=0;/)
  await answer.text()
  sticky.child.kill('SIGTERM')
  assert.equal((await sticky.ended).code, 0)
})

test('`brood proxy`: wrong usage, and a port that is taken', bounded, async (t) => {
  const home = temporaryFolder(t)
  const run = (...args: string[]) => runBrood(['proxy', ...args], { home })
  assertRefused(await run(), 2, /--listen is missing/)
  assertRefused(await run('--listen', '0'), 2, /--to is missing/)
  assertRefused(await run('--listen', '0', '--to', '1', '--mode', 'udp'), 2, /--mode udp/)
  assertRefused(await run('--listen', '0', '--to', '1', '--grace', 'soon'), 2, /--grace soon/)
  assertRefused(await run('config', '--listen', '0', '--to', '1'), 2, /program/)
  assertRefused(await run('config', 'caddy', '--listen', '0', '--to', '1'), 2, /config caddy/)
  assertRefused(await run('config', 'nginx', '--to', '1'), 2, /--listen is missing/)
  const [taken] = await servers(t, 'http.js', 1)
  assert.ok(taken)
  assertRefused(await run('--listen', String(taken.port), '--to', '1'), 1, /port \d+ is in use/)
  const bad = await runBrood(['proxy', '--listen', '0', '--to', 'x', '--json'], { home })
  assert.equal(JSON.parse(bad.stdout).error.code, 'usage')
})
