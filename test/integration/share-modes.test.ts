// What every share mode must do: the same program, started three ways, and nobody can tell from outside which it is.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import type { AppReport } from '../../src/supervisor/report.ts'
import { get } from '../fixtures/get.ts'
import { askHttp2, askHttps, askTcp, askUnixSocket, askWebSocket } from '../support/ask.ts'
import { askAgain } from '../support/ask-again.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { formatReport, startLoad } from '../support/load/index.ts'

const bounded = { timeout: 120_000 }
const modes = [...(process.platform === 'linux' ? ['slots'] : []), 'shared', 'balanced', 'ports']
const protocols = [
  ['TLS', 'tls.js', askHttps],
  ['HTTP/2', 'http2.js', askHttp2],
  ['WebSocket', 'ws.js', askWebSocket],
  ['plain TCP, of which the client ends its side first', 'raw-tcp.js', askTcp],
] as const

/** Clients of every kind that a change of workers could hurt. */
const everyKind = {
  keepAliveBusy: { clients: 3, pause: 5 },
  keepAliveIdle: { clients: 8, idleFrom: 20, idleTo: 200 },
  short: { clients: 3, pause: 2 },
  upload: { clients: 1, duration: 200 },
  stream: { clients: 1 },
}

for (const mode of modes) {
  const start = (brood: Brood, script: string, ...flags: string[]) =>
    brood.start(program(script), '--share', mode, '--name', 'web', ...flags)

  describe(`share mode ${mode}`, () => {
    test('tells its mode, and all workers answer', bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await start(brood, 'http.js', '-w', '3')
      const { spec } = await brood.show('web')
      assert.equal(spec.share, mode)
      const shown = await brood.run('show', 'web')
      assert.match(shown.stdout, new RegExp(`share mode ${mode}`))
      const load = startLoad({ port, signal: t.signal, kinds: { short: 6 } })
      await load.until(({ total }) => pidsOf(report).every((pid) => total.pids.has(pid)))
      assert.equal((await load.stop()).total.failures, 0)
    })

    test('a reload, more workers and fewer fail no request', bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await start(brood, 'http.js', '-w', '2')
      const load = startLoad({ port, signal: t.signal, kinds: everyKind })
      await load.until(({ total }) => total.successes > 50)
      const steps = [
        ['reload', 'web'],
        ['scale', 'web', '4'],
        ['reload', 'web'],
        ['scale', 'web', '1'],
      ]
      for (const step of steps) {
        const ran = await brood.run(...step)
        assert.equal(ran.code, 0, ran.stderr)
        const pids = pidsOf((await brood.list())[0])
        if (step[0] === 'reload') assert.ok(pids.every((pid) => !pidsOf(report).includes(pid)))
        await load.until(({ total }) => pids.every((pid) => total.pids.has(pid)))
      }
      const done = await load.stop()
      assert.deepEqual(done.examples, [], formatReport(done))
    })

    test('a killed worker refuses nobody and leaves nobody waiting', bounded, async (t) => {
      const brood = Brood.create(t)
      const { port } = await start(brood, 'http.js', '-w', '3', '--intensity', '1000')
      const clients = 6
      const load = startLoad({ port, signal: t.signal, kinds: { short: { clients, pause: 1 } } })
      await load.until(({ total }) => total.successes > 50)
      const kills = 5
      for (let killed = 0; killed < kills; killed++) {
        const victim = await brood.waitForWorker('web', 'ready')
        process.kill(victim, 'SIGKILL')
        await brood.event(({ type, pid }) => type === 'worker-exited' && pid === victim)
      }
      const { successes } = load.report.total
      await load.until(({ total }) => total.successes > successes + 50)
      const done = await load.stop()
      const { refusals, timeouts, wrong, resets } = done.total
      assert.deepEqual(
        { refusals, timeouts, wrong },
        { refusals: 0, timeouts: 0, wrong: 0 },
        formatReport(done),
      )
      assert.ok(resets <= kills * clients, `${resets} resets`)
    })

    // In mode `ports` the proxy in front chooses, and knows nothing of event loops.
    const standsIn = { ...bounded, skip: mode === 'ports' }
    test('a blocked worker keeps nobody waiting, and serves again afterwards', standsIn, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await start(brood, 'http.js', '-w', '2')
      const file = join(brood.home, 'go-on')
      const held = get({ port, path: `/block?file=${file}`, timeout: 0, signal: t.signal })
      await brood.waitForLog('web', / blocks\n/)
      // One that is on its way to it already, as only balanced mode sends them, cannot be called back.
      if (mode === 'balanced') while (!(await isBlocked(brood))) t.signal.throwIfAborted()
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => get({ port, timeout: 10_000, signal: t.signal })),
      )
      assert.ok(!existsSync(file), 'it blocks yet')
      writeFileSync(file, '')
      const { pid: blocked } = await held
      const sibling = pidsOf(report).filter((pid) => pid !== blocked)
      assert.deepEqual([...new Set(answers.map(({ pid }) => pid))], sibling)
      const load = startLoad({ port, signal: t.signal, kinds: { short: 6 } })
      await load.until(({ total }) => pidsOf(report).every((pid) => total.pids.has(pid)))
      assert.equal((await load.stop()).total.failures, 0)
      while (await isBlocked(brood)) t.signal.throwIfAborted()
      const [now] = await brood.list()
      assert.deepEqual(pidsOf(now), pidsOf(report))
      assert.deepEqual(
        now?.workers.map(({ adopted }) => adopted),
        [[], []],
        'each has its own queue again',
      )
    })

    test('the supervisor is killed: all is as before, and new connections are served', bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await start(brood, 'http.js', '-w', '2')
      const kept = net.connect(port, '127.0.0.1')
      t.after(() => kept.destroy())
      const { pid: before } = await askAgain(kept)
      const { pid: supervisor } = await brood.json<SupervisorReport>('show')
      process.kill(supervisor, 'SIGKILL')
      // Nobody but the kernel has this one until somebody accepts again.
      const meanwhile = get({ port, timeout: 20_000, signal: t.signal })
      const { pid: after } = await askAgain(kept)
      // By way of the proxy each request of a connection may find another worker.
      if (mode === 'ports') assert.ok(pidsOf(report).includes(after))
      else assert.equal(after, before, 'a connection that was there goes on')
      assert.equal((await meanwhile).status, 200)
      await brood.event(({ type, app }) => type === 'worker-returned' && app === 'web')
      const renewed = async (): Promise<AppReport | undefined> => (await brood.list())[0]
      if (mode === 'balanced') {
        const all = async (): Promise<boolean> => {
          const now = await renewed()
          const pids = pidsOf(now)
          return (
            now?.status === 'running' &&
            pids.length === 2 &&
            pids.every((pid) => !pidsOf(report).includes(pid))
          )
        }
        while (!(await all())) t.signal.throwIfAborted() // each look is a command of its own
      } else assert.deepEqual(pidsOf(await renewed()), pidsOf(report))
      const load = startLoad({ port, signal: t.signal, kinds: everyKind })
      const pids = pidsOf(await renewed())
      await load.until(({ total }) => pids.every((pid) => total.pids.has(pid)))
      const ran = await brood.run('reload', 'web')
      assert.equal(ran.code, 0, ran.stderr)
      const done = await load.stop()
      assert.deepEqual(done.examples, [], formatReport(done))
    })

    test('the only worker dies: what comes meanwhile waits for the next', bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await start(brood, 'http.js', '-w', '1')
      const [only] = pidsOf(report)
      assert.ok(only !== undefined)
      process.kill(only, 'SIGKILL')
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => get({ port, timeout: 20_000, signal: t.signal })),
      )
      assert.ok(answers.every(({ pid, status }) => status === 200 && pid !== only))
    })

    test('two addresses', bounded, async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await start(
        brood,
        'two-ports.js',
        '-w',
        '2',
        '--env',
        'PORT=0',
        '--env',
        'PORT2=0',
      )
      const second = portOf(report, 1)
      assert.equal((await get({ port, signal: t.signal })).json.server, 'main')
      assert.equal((await get({ port: second, signal: t.signal })).json.server, 'internal')
    })

    test('IPv6 and IPv4 on one port that the system chose', bounded, async (t) => {
      const brood = Brood.create(t)
      const { port } = await start(brood, 'port-zero.js', '-w', '2')
      for (const host of ['::1', '127.0.0.1']) {
        const { json } = await get({ host, port, signal: t.signal })
        // The program sees the port it has itself, which is its own where a proxy stands in front.
        if (mode === 'ports') assert.notEqual(json.port, port)
        else assert.equal(json.port, port, host)
      }
    })

    test('a unix socket', { ...bounded, skip: unixSkip() }, async (t) => {
      const brood = Brood.create(t)
      const socketPath = join(brood.home, 'app.sock')
      const flags = ['--share', mode, '-w', '2', '--env', `SOCKET=${socketPath}`, '--name', 'web']
      const report = await brood.json<AppReport>('start', ...flags, program('unix-socket.js'))
      const ask = askUnixSocket(socketPath)
      const answerers = await Promise.all(Array.from({ length: 20 }, () => ask(t.signal)))
      assert.ok(answerers.every((pid) => pidsOf(report).includes(pid)))
      assert.equal((await brood.run('reload', 'web')).code, 0)
      assert.ok(!pidsOf(report).includes(await ask(t.signal)))
    })

    for (const [name, script, ask] of protocols) {
      test(name, bounded, async (t) => {
        const { report, port } = await start(Brood.create(t), script, '-w', '2')
        assert.ok(pidsOf(report).includes(await ask(port)(t.signal)))
      })
    }
  })
}

async function isBlocked(brood: Brood): Promise<boolean> {
  return (await brood.show('web')).workers.some(({ blocked }) => blocked)
}

/** Node 24 cannot bind one beforehand. */
function unixSkip(): boolean {
  return !('isPipe' in net.BoundSocket.prototype)
}
