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
import { askDatagram, type Stream, streamDatagrams } from '../support/datagrams.ts'
import { freeUdpPort } from '../support/free-port.ts'
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

    test('a blocked worker keeps nobody waiting, and serves again afterwards', bounded, async (t) => {
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

    if (['balanced', 'ports'].includes(mode)) refusesDatagrams(start, mode)
    else sharesDatagrams(start, mode)

    for (const [name, script, ask] of protocols) {
      test(name, bounded, async (t) => {
        const { report, port } = await start(Brood.create(t), script, '-w', '2')
        assert.ok(pidsOf(report).includes(await ask(port)(t.signal)))
      })
    }
  })
}

type Start = (brood: Brood, script: string, ...flags: string[]) => ReturnType<Brood['start']>

function refusesDatagrams(start: Start, mode: string): void {
  test('UDP: a port is refused at start, and the modes are named that can', bounded, async (t) => {
    const brood = Brood.create(t)
    const port = await freeUdpPort()
    const flags = ['--share', mode, '--name', 'web', '-w', '2', '--env', `PORT=${port}`]
    const ran = await brood.run('start', ...flags, '--json', program('udp.js'))
    assert.equal(ran.code, 1)
    const { error } = JSON.parse(ran.stdout)
    assert.equal(error.code, 'share_mode_unfit')
    assert.match(error.message, new RegExp(`'${mode}' cannot share UDP port ${port}: .* slots or shared`))
    assert.equal((await start(brood, 'http.js')).report.status, 'running', 'the next app is not affected')
  })
}

function sharesDatagrams(start: Start, mode: string): void {
  const assertNoneLost = async (stream: Stream): Promise<void> => {
    stream.stop()
    await stream.until(({ sent, answers }) => answers.size === sent)
  }

  test('UDP: a reload, more workers and fewer lose no datagram', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await start(brood, 'udp.js', '-w', '2', '--env', 'DELAY=50')
    assert.deepEqual(report.addresses, [`udp *:${port}`])
    const stream = streamDatagrams(t, { port })
    await stream.until(({ answers }) => answers.size > 50)
    const steps = [
      ['reload', 'web'],
      ['scale', 'web', '4'],
      ['reload', 'web'],
      ['scale', 'web', '1'],
      ['reload', 'web'],
    ]
    for (const step of steps) {
      const ran = await brood.run(...step)
      assert.equal(ran.code, 0, ran.stderr)
      const now = await brood.list()
      assert.deepEqual(now[0]?.addresses, report.addresses)
      const { size } = stream.report.answers
      await stream.until(({ answers }) => answers.size > size + 50)
      const pids = pidsOf(now[0])
      const last = [...stream.report.answers.values()].slice(-20)
      assert.ok(
        last.every((pid) => pids.includes(pid)),
        `${last} is not of ${pids}`,
      )
      if (mode !== 'slots') continue
      const answering = new Set<number>() // each question from another port, so that the hash comes to all
      while (!pids.every((pid) => answering.has(pid))) answering.add(await askDatagram(port, t.signal))
    }
    await assertNoneLost(stream)
  })

  test('UDP: a killed worker costs what it had read, and keeps nobody waiting', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await start(brood, 'udp.js', '-w', '3', '--intensity', '1000')
    const stream = streamDatagrams(t, { port })
    const kills = 5
    for (let killed = 0; killed < kills; killed++) {
      const { size } = stream.report.answers
      await stream.until(({ answers }) => answers.size > size + 50)
      const victim = await brood.waitForWorker('web', 'ready')
      process.kill(victim, 'SIGKILL')
      await brood.event(({ type, pid }) => type === 'worker-exited' && pid === victim)
    }
    const { sent } = stream.report
    await stream.until(({ answers }) =>
      [0, 1, 2, 3].every((source) => isAnsweredAfter(answers, sent, source)),
    )
    const lost = stream.unanswered.filter((number) => number < sent)
    assert.ok(lost.length <= kills * readAtOnce, `${lost.length} of ${sent} are lost`)
  })

  test('UDP: the only worker dies, and what comes meanwhile waits for the next', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await start(brood, 'udp.js', '-w', '1')
    const [only] = pidsOf(report)
    assert.ok(only !== undefined)
    process.kill(only, 'SIGSTOP') // it reads nothing any more
    const asked = Array.from({ length: 20 }, () => askDatagram(port, t.signal))
    process.kill(only, 'SIGKILL')
    assert.ok((await Promise.all(asked)).every((pid) => pid !== only))
  })

  test(
    'UDP: the supervisor is killed, the same workers answer on, and a reload loses nothing',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { report, port } = await start(brood, 'udp.js', '-w', '2')
      const stream = streamDatagrams(t, { port })
      await stream.until(({ answers }) => answers.size > 50)
      await brood.replaced(await brood.killSupervisor())
      const [now] = await brood.list()
      assert.deepEqual(pidsOf(now), pidsOf(report))
      assert.deepEqual(now?.addresses, [`udp *:${port}`])
      for (const step of [
        ['reload', 'web'],
        ['scale', 'web', '3'],
      ]) {
        const ran = await brood.run(...step)
        assert.equal(ran.code, 0, ran.stderr)
      }
      const pids = pidsOf((await brood.list())[0])
      assert.ok(pidsOf(report).every((pid) => !pids.includes(pid)))
      const { sent } = stream.report
      await stream.until(({ answers }) => answers.size > sent)
      await assertNoneLost(stream)
      assert.ok(pids.includes([...stream.report.answers.values()].at(-1) ?? 0))
    },
  )
}

/** Datagrams that libuv reads before it turns to anything else. */
const readAtOnce = 32

function isAnsweredAfter(answers: ReadonlyMap<number, number>, from: number, source: number): boolean {
  return [...answers.keys()].some((number) => number > from && number % 4 === source)
}

async function isBlocked(brood: Brood): Promise<boolean> {
  return (await brood.show('web')).workers.some(({ blocked }) => blocked)
}

/** Node 24 cannot bind one beforehand. */
function unixSkip(): boolean {
  return !('isPipe' in net.BoundSocket.prototype)
}
