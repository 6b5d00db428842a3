// `brood proxy config`: what is printed for nginx and HAProxy is right in their own eyes, and does what the route says.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { balancerNames } from '../../src/balance/index.ts'
import { StartedProgram } from '../fixtures/started-program.ts'
import { brood } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { faultsOf, missing, type OtherProxy, run } from '../support/other-proxies.ts'
import { dial, RawServer } from '../support/proxy.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

async function printed(t: TestContext, program: OtherProxy, ...args: string[]): Promise<string> {
  const ran = await brood(['proxy', 'config', program, ...args], { home: temporaryFolder(t) })
  assert.equal(ran.code, 0, ran.stderr)
  return ran.stdout
}

async function servers(
  t: TestContext,
  name: string,
  count: number,
): Promise<{ pids: number[]; to: string[] }> {
  const programs = Array.from({ length: count }, () => new StartedProgram(name, { signal: t.signal }))
  t.after(() => Promise.all(programs.map((program) => program[Symbol.asyncDispose]())))
  const ports = await Promise.all(programs.map((program) => program.port()))
  return { pids: programs.map(({ pid }) => pid), to: ports.flatMap((port) => ['--to', `127.0.0.1:${port}`]) }
}

interface Answer {
  readonly pid: number
  readonly status: number | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

async function get(port: number, path = '/', headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
  const request = http.get({ host: '127.0.0.1', port, path, headers, agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const body = await text(response)
  const { headers: received, statusCode: status } = response
  return { pid: Number(received['x-pid']), status, headers: received, body }
}

/** Starts it, and waits until it listens. */
async function serving(t: TestContext, program: OtherProxy, ...args: string[]): Promise<number> {
  const port = await freePort()
  run(t, program, await printed(t, program, '--listen', `127.0.0.1:${port}`, ...args))
  for (;;) {
    t.signal.throwIfAborted()
    const socket = net.connect(port, '127.0.0.1')
    const connected = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      once(socket, 'close').then(() => false),
    ])
    socket.destroy()
    if (connected) return port
  }
}

for (const program of ['nginx', 'haproxy'] as const) {
  const [noHttp, noTcp] = [missing(program, 'http'), missing(program, 'tcp')]

  describe(program, () => {
    for (const mode of ['http', 'tcp'] as const) {
      test(`takes every algorithm, address and setting in mode ${mode}`, {
        ...bounded,
        skip: mode === 'http' ? noHttp : noTcp,
      }, async (t) => {
        const to = ['--to', '127.0.0.1:3001', '--to', '[::1]:3002', '--mode', mode]
        const weights = (name: string): string[] =>
          ['weighted', 'least-connections', 'two-choices', 'ewma'].includes(name) ? ['--weights', '3'] : []
        const routes = [
          ...balancerNames.map((name) => ['--listen', '18080', ...to, '--balance', name, ...weights(name)]),
          ['--listen', `${temporaryFolder(t)}/web.sock`, ...to],
          ['--listen', '[::1]:18080', ...to, '--idle-timeout', '0', '--connect-timeout', '150ms'],
          ...(mode === 'http'
            ? [
                ['--listen', '18080', ...to, '--sticky', '--trust'],
                ['--listen', '18080', ...to, '--sticky', 'my-cookie', '--idle-timeout', '5m'],
              ]
            : []),
        ]
        const configs = await Promise.all(routes.map((args) => printed(t, program, ...args)))
        assert.equal(new Set(configs).size >= 5, true)
        for (const [index, config] of configs.entries()) {
          assert.equal(faultsOf(t, program, config), '', `${routes[index]?.join(' ')}\n${config}`)
        }
      })
    }

    test('balances requests, says who asks, and keeps what a client makes up behind', {
      ...bounded,
      skip: noHttp,
    }, async (t) => {
      const { pids, to } = await servers(t, 'http.js', 2)
      const port = await serving(t, program, ...to)
      const answerers = new Set<number>()
      while (answerers.size < 2) answerers.add((await get(port)).pid)
      assert.deepEqual(answerers, new Set(pids))
      const upload = http.request({ host: '127.0.0.1', port, path: '/upload', method: 'POST', agent: false })
      for (let piece = 0; piece < 32; piece++) upload.write(Buffer.alloc(2 ** 17))
      upload.end()
      const [counted] = (await once(upload, 'response')) as [http.IncomingMessage]
      assert.deepEqual(JSON.parse(await text(counted)), { bytes: 2 ** 22 })
    })

    test('says who asks, in place of what a client makes up', { ...bounded, skip: noHttp }, async (t) => {
      const upstream = http.createServer((request, response) => response.end(JSON.stringify(request.headers)))
      upstream.listen(0, '127.0.0.1')
      await once(upstream, 'listening')
      t.after(() => upstream.close())
      const address = upstream.address()
      assert.ok(address !== null && typeof address === 'object')
      const to = ['--to', `127.0.0.1:${address.port}`]
      const made = { host: 'shop.example', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' }
      const own = JSON.parse((await get(await serving(t, program, ...to), '/', made)).body)
      assert.deepEqual(
        [own.host, own['x-forwarded-for'], own['x-forwarded-proto'], own['x-forwarded-host']],
        ['shop.example', '127.0.0.1', 'http', 'shop.example'],
      )
      const trusted = JSON.parse((await get(await serving(t, program, ...to, '--trust'), '/', made)).body)
      // Appended, or as a header of its own: RFC 9110 says that these are the same.
      assert.deepEqual(
        [trusted['x-forwarded-for'].replaceAll(/\s/g, ''), trusted['x-forwarded-proto']],
        ['6.6.6.6,127.0.0.1', 'https'],
      )
      upstream.closeAllConnections()
    })

    test('asks the other one when one is dead', { ...bounded, skip: noHttp }, async (t) => {
      const { pids, to } = await servers(t, 'http.js', 1)
      const port = await serving(t, program, '--to', `127.0.0.1:${await freePort()}`, ...to)
      for (let turn = 0; turn < 6; turn++) assert.equal((await get(port)).pid, pids[0])
    })

    test('keeps a client with its slot by the cookie', { ...bounded, skip: noHttp }, async (t) => {
      const { pids, to } = await servers(t, 'http.js', 3)
      const port = await serving(t, program, ...to, '--sticky', 'my-slot')
      for (const [slot, pid] of pids.entries()) {
        for (let turn = 0; turn < 3; turn++) {
          const answer = await get(port, '/', { cookie: `slot=7; my-slot=${slot}; x=y` })
          assert.equal(answer.pid, pid)
          assert.equal(answer.headers['set-cookie'], undefined)
        }
      }
      const first = await get(port)
      const [cookie = ''] = first.headers['set-cookie'] ?? []
      const slot = /^my-slot=(\d+);/.exec(cookie)?.[1]
      assert.match(cookie, /path=\/; HttpOnly; SameSite=Lax/i)
      assert.equal(pids[Number(slot)], first.pid)
    })

    test('passes WebSockets', { ...bounded, skip: noHttp }, async (t) => {
      const { to } = await servers(t, 'ws.js', 2)
      const port = await serving(t, program, ...to, '--balance', 'least-connections')
      const socket = new WebSocket(`ws://127.0.0.1:${port}`)
      t.after(() => socket.terminate())
      await once(socket, 'open')
      const answered = once(socket, 'message')
      socket.send('hello')
      assert.equal(String((await answered)[0]), 'hello')
    })

    test('in mode tcp passes connections, with their halves', { ...bounded, skip: noTcp }, async (t) => {
      // Those who only look whether somebody listens send nothing.
      const upstream = await RawServer.start(t, async (wire) => {
        await wire.ended
        if (wire.received === '') wire.socket.destroy()
        else wire.socket.end(`got ${wire.received}`)
      })
      const port = await serving(t, program, '--mode', 'tcp', '--to', `127.0.0.1:${upstream.port}`)
      const client = await dial(t, port)
      client.socket.end('all of it')
      await client.until(/^got all of it$/)
      assert.equal(await client.ended, 'end')
    })
  })
}
