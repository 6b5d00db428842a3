// Share mode `ports`: each worker its own port, a proxy in front that comes and goes with its app, or one of one's own.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { AppDetail } from '../../src/daemon/control/contract.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { ConfigFile } from '../support/config-file.ts'
import { freePort } from '../support/free-port.ts'
import { formatReport, startLoad } from '../support/load/index.ts'
import { faultsOf, missing, run } from '../support/other-proxies.ts'

const bounded = { timeout: 90_000 }

function portsOf({ workerPorts }: AppDetail): readonly number[] {
  assert.ok(workerPorts?.[0])
  return workerPorts[0].ports
}

function slotsOf({ workers }: AppDetail): (number | null)[] {
  return workers.toSorted((a, b) => a.slot - b.slot).map(({ pid }) => pid)
}

/** Who answers on each worker's own port. */
function answerers(t: TestContext, ports: readonly number[]): Promise<number[]> {
  return Promise.all(ports.map(async (port) => (await get({ port, signal: t.signal })).pid))
}

/** Asks until somebody listens. */
async function answered(t: TestContext, port: number): Promise<void> {
  while ((await get({ port, signal: t.signal }).catch(() => undefined))?.status !== 200)
    t.signal.throwIfAborted()
}

const start = (brood: Brood, ...flags: string[]) =>
  brood.start(program('http.js'), '--share', 'ports', '--name', 'web', ...flags)

describe('the port of a worker', () => {
  test(
    'is its own, and its slot keeps it over a reload, a kill, and another supervisor',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      await start(brood, '-w', '2')
      const before = await brood.show('web')
      const ports = portsOf(before)
      assert.equal(new Set(ports).size, 2)
      assert.deepEqual(await answerers(t, ports), slotsOf(before))
      assert.match((await brood.run('show', 'web')).stdout, new RegExp(`on 127.0.0.1: ${ports.join(' ')}`))

      assert.equal((await brood.run('reload', 'web')).code, 0)
      const reloaded = await brood.show('web')
      assert.deepEqual(portsOf(reloaded), ports)
      assert.deepEqual(await answerers(t, ports), slotsOf(reloaded))
      assert.ok(!pidsOf(before).some((pid) => pidsOf(reloaded).includes(pid)))

      const victim = pidsOf(reloaded)[1] ?? 0
      process.kill(victim, 'SIGKILL')
      await brood.event(({ type, pid }) => type === 'worker-exited' && pid === victim)
      const siblings = await answerers(t, ports)
      assert.ok(!siblings.includes(victim), 'a sibling, or the next one, serves its port')

      const supervisor = await brood.killSupervisor()
      await brood.replaced(supervisor)
      assert.deepEqual(portsOf(await brood.show('web')), ports)
      await answerers(t, ports)
    },
  )

  test('is counted from where the user says, and the number of workers bounds it', bounded, async (t) => {
    const brood = Brood.create(t)
    const from = await freePort()
    await start(brood, '-w', '1', '--worker-ports', `${from}`)
    assert.deepEqual(portsOf(await brood.show('web')), [from])
    const ran = await brood.run('scale', 'web', '2')
    assert.equal(ran.code, 2)
    assert.match(ran.stderr, /--max-workers 2/)
  })

  test('that somebody else has is told, and nothing is left', bounded, async (t) => {
    const brood = Brood.create(t)
    const other = net.createServer().listen(0, '127.0.0.1')
    t.after(() => other.close())
    await new Promise((listening) => other.once('listening', listening))
    const { port } = other.address() as net.AddressInfo // listening on TCP
    const ran = await brood.run(
      'start',
      '--share',
      'ports',
      '--worker-ports',
      `${port}`,
      '--env',
      'PORT=0',
      program('http.js'),
    )
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, new RegExp(`port ${port} of 127.0.0.1 is in use`))
    assert.deepEqual(await brood.list(), [])
  })
})

describe('the proxy in front', () => {
  test(
    'is an app of its own, which is stopped and deleted with the one it belongs to',
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const { port } = await start(brood, '-w', '2')
      const names = async (): Promise<string[]> =>
        (await brood.list()).map(({ name, status }) => `${name} ${status}`)
      assert.deepEqual(await names(), ['web running', 'web.proxy running'])
      const alone = await brood.run('stop', 'web.proxy')
      assert.notEqual(alone.code, 0)
      assert.match(alone.stderr, /'web.proxy' is the proxy of 'web', and ends with it: 'brood stop web'/)
      assert.equal((await brood.run('stop', 'web')).code, 0)
      assert.deepEqual(await names(), ['web stopped', 'web.proxy stopped'])
      await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
      assert.equal((await start(brood, '-w', '1')).report.status, 'running')
      assert.deepEqual(await names(), ['web running', 'web.proxy running'])
      assert.equal((await brood.run('delete', 'web')).code, 0)
      assert.deepEqual(await names(), [])
    },
  )

  test('that cannot have its port leaves nothing of the app', bounded, async (t) => {
    const brood = Brood.create(t)
    const other = net.createServer().listen(0)
    t.after(() => other.close())
    await new Promise((listening) => other.once('listening', listening))
    const { port } = other.address() as net.AddressInfo // listening on TCP
    const ran = await brood.run('start', '--share', 'ports', '--port', `${port}`, program('http.js'))
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, new RegExp(`port ${port} is in use by`))
    assert.deepEqual(await brood.list(), [])
  })

  test('that is killed is back, and meanwhile nobody is refused', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await start(brood, '-w', '2')
    const [victim = 0] = pidsOf(await brood.show('web.proxy'))
    process.kill(victim, 'SIGKILL')
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => get({ port, timeout: 20_000, signal: t.signal })),
    )
    assert.ok(answers.every(({ status }) => status === 200))
    assert.notEqual(pidsOf(await brood.show('web.proxy'))[0], victim)
  })

  test('gives nothing to a worker that blocks, and comes back to it', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await start(brood, '-w', '3')
    // Few of them ask in the 100 ms in which nothing is known yet, so that some are left.
    const kinds = { keepAliveBusy: { clients: 20, pause: 100 } }
    const load = startLoad({ port, signal: t.signal, kinds, answerTimeout: 20_000 })
    // So that the proxy keeps more connections to each worker than there are clients: a sibling accepts only new ones.
    const many = Array.from({ length: 120 }, () => get({ port, path: '/slow?ms=1000', signal: t.signal }))
    assert.equal(new Set((await Promise.all(many)).map(({ pid }) => pid)).size, pidsOf(report).length)
    const file = join(brood.home, 'go-on')
    const held = get({ port, path: `/block?file=${file}`, timeout: 0, signal: t.signal })
    await brood.waitForLog('web', / blocks\n/)
    const { successes } = load.report.total
    // If each worker had its turn, every third request would hold its client: after some 40 all of them would wait.
    await load.until(({ total }) => total.successes > successes + 200)
    assert.ok(!existsSync(file), 'it blocks yet')
    writeFileSync(file, '')
    const { pid: blocked } = await held
    const done = await load.stop()
    assert.deepEqual(done.examples, [], formatReport(done))
    while ((await get({ port, signal: t.signal })).pid !== blocked) t.signal.throwIfAborted()
  })

  test('keeps a client with its slot by a cookie, over a reload', bounded, async (t) => {
    const brood = Brood.create(t)
    const { port } = await start(brood, '-w', '3', '--sticky')
    const first = await fetch(`http://127.0.0.1:${port}/`)
    await first.text()
    const [cookie = ''] = first.headers.getSetCookie().map((one) => one.split(';')[0] ?? '')
    assert.match(cookie, /^brood=/)
    const slotOf = (detail: AppDetail, pid: number): number | undefined =>
      detail.workers.find((worker) => worker.pid === pid)?.slot
    const slot = slotOf(await brood.show('web'), Number(first.headers.get('x-pid')))
    assert.equal((await brood.run('reload', 'web')).code, 0)
    const now = await brood.show('web')
    for (let time = 0; time < 6; time++) {
      const { pid } = await get({ port, headers: { cookie }, signal: t.signal })
      assert.equal(slotOf(now, pid), slot)
    }
  })

  test('follows what `apply` changes: its kind, its number, its end', bounded, async (t) => {
    const brood = Brood.create(t)
    const config = new ConfigFile(t)
    const port = await freePort()
    const app = { name: 'web', script: program('http.js'), port, workers: 2, share: 'ports' }
    const apply = async (more: object): Promise<void> => {
      const ran = await brood.run('apply', config.write([{ ...app, ...more }]))
      assert.equal(ran.code, 0, ran.stderr)
    }
    await apply({})
    const { pids } = { pids: pidsOf(await brood.show('web')) }
    await apply({ balance: 'least-connections', proxy: { mode: 'tcp', workers: 2 } })
    assert.equal(pidsOf(await brood.show('web.proxy')).length, 2)
    assert.deepEqual(pidsOf(await brood.show('web')), pids, 'the workers behind it stay')
    // In mode `tcp` the connection stays with its worker.
    const kept = startLoad({ port, signal: t.signal, kinds: { keepAliveBusy: 1 }, requestsPerClient: 20 })
    const { total } = await kept.finished
    assert.deepEqual([total.pids.size, total.failures], [1, 0])
    await apply({ share: 'slots' })
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['web'],
    )
    assert.equal((await get({ port, signal: t.signal })).status, 200)
    await apply({})
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['web', 'web.proxy'],
    )
    assert.equal((await get({ port, signal: t.signal })).status, 200)
    const pruned = await brood.run('apply', '--prune', config.write([{ ...app }]))
    assert.equal(pruned.code, 0, pruned.stderr)
    assert.equal((await brood.list()).length, 2)
  })

  test('is there under `brood run`, too, and leaves with it', bounded, async (t) => {
    const brood = Brood.create(t)
    const port = await freePort()
    const child = brood.spawn('run', '--share', 'ports', '-w', '2', '--port', `${port}`, program('http.js'))
    await answered(t, port)
    child.kill('SIGTERM')
    await new Promise((ended) => child.once('exit', ended))
    assert.deepEqual(brood.processes(), [])
  })
})

/** The ports that nginx gives requests to. */
function serversIn(config: string): number[] {
  return [...config.matchAll(/^ *server 127\.0\.0\.1:(\d+)/gm)].map(([, port]) => Number(port))
}

describe("one's own proxy", () => {
  test('has a configuration made of the ports that the workers have', bounded, async (t) => {
    const brood = Brood.create(t)
    await start(brood, '-w', '3', '--proxy', 'off')
    await brood.start(program('http.js'), '--name', 'other')
    const config = (name: string, ...more: string[]) =>
      brood.run('proxy', 'config', name, '--listen', `127.0.0.1:8080`, ...more)
    const ports = portsOf(await brood.show('web'))
    for (const name of ['nginx', 'haproxy'] as const) {
      const ran = await config(name, '--of', 'web')
      assert.equal(ran.code, 0, ran.stderr)
      if (name === 'nginx') assert.deepEqual(serversIn(ran.stdout), ports)
      else for (const port of ports) assert.ok(ran.stdout.includes(`127.0.0.1:${port}`))
      if (missing(name, 'http') === false) assert.equal(faultsOf(t, name, ran.stdout), '')
    }
    const rows: [string[], number, RegExp][] = [
      [['--of', 'other'], 2, /--of other: its share mode is \w+, .* --share ports --proxy off/],
      [['--of', 'nobody'], 3, /no app is named 'nobody'/],
      [['--of', 'web', '--to', '3001'], 2, /--of and --to both say where requests go: write one of them/],
      [['--to', '3001', '--address', '*:3000'], 2, /--address \*:3000 goes with --of/],
      [['--of', 'web', '--weights', '1,1,1,1'], 2, /--weights/],
    ]
    for (const [words, code, said] of rows) {
      const ran = await config('nginx', ...words)
      assert.equal(ran.code, code, ran.stderr)
      assert.match(ran.stderr, said)
      assert.equal(ran.stdout, '')
    }
  })

  test('nginx: a reload and a killed worker fail no request that nginx may ask again', {
    ...bounded,
    skip: missing('nginx', 'http'),
  }, async (t) => {
    const brood = Brood.create(t)
    const { report } = await start(brood, '-w', '2', '--proxy', 'off', '--intensity', '100')
    assert.deepEqual(
      (await brood.list()).map(({ name }) => name),
      ['web'],
    )
    const port = await freePort()
    const config = await brood.run('proxy', 'config', 'nginx', '--listen', `127.0.0.1:${port}`, '--of', 'web')
    assert.equal(config.code, 0, config.stderr)
    run(t, 'nginx', config.stdout)
    await answered(t, port)
    const load = startLoad({ port, signal: t.signal, kinds: { keepAliveBusy: 4, short: 4 } })
    await load.until(({ total }) => pidsOf(report).every((pid) => total.pids.has(pid)))
    assert.equal((await brood.run('reload', 'web')).code, 0)
    const [victim = 0] = pidsOf(await brood.show('web'))
    await load.until(({ total }) => total.pids.has(victim))
    process.kill(victim, 'SIGKILL')
    await brood.event(({ type, pid }) => type === 'worker-exited' && pid === victim)
    const { successes } = load.report.total
    await load.until(({ total }) => total.successes > successes + 50)
    const done = await load.stop()
    assert.deepEqual(done.examples, [], formatReport(done))
  })
})

test('an app whose proxy could not be named is told so', bounded, async (t) => {
  const name = 'n'.repeat(60)
  const ran = await Brood.create(t).run('start', '--share', 'ports', '--name', name, program('http.js'))
  assert.equal(ran.code, 2)
  assert.match(ran.stderr, /is too long: its proxy is an app named 'n+\.proxy'/)
})

test('workers of other languages cannot be given a port each, and are told so', bounded, async (t) => {
  const ran = await Brood.create(t).run(
    'start',
    '--share',
    'ports',
    '--interpreter',
    'sh',
    program('http.js'),
  )
  assert.equal(ran.code, 2)
  assert.match(ran.stderr, /needs Node programs, which can be given a port each: choose 'shared'/)
})

test('two addresses have ports of their own', bounded, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--share', 'ports', '--name', 'web', '-w', '2', '--env', 'PORT=0', '--env', 'PORT2=0']
  const { report } = await brood.start(program('two-ports.js'), ...flags)
  assert.notEqual(portOf(report), portOf(report, 1))
  const { workerPorts = [] } = await brood.show('web')
  assert.equal(new Set(workerPorts.flatMap(({ ports }) => ports)).size, 4)
  const config = (...more: string[]) =>
    brood.run('proxy', 'config', 'nginx', '--listen', '8080', '--of', 'web', ...more)
  const [first, second] = workerPorts
  assert.ok(first && second)
  const undecided = await config()
  assert.equal(undecided.code, 2)
  const known = `${first.address}, ${second.address}`
  assert.ok(
    undecided.stderr.includes(`listens on ${known}: choose one, such as '--address ${first.address}'`),
  )
  const chosen = await config('--address', second.address)
  assert.equal(chosen.code, 0, chosen.stderr)
  assert.deepEqual(serversIn(chosen.stdout), second.ports)
  const unknown = await config('--address', '*:1')
  assert.equal(unknown.code, 2)
  assert.ok(unknown.stderr.includes(`--address *:1: 'web' listens on ${known}`))
})
