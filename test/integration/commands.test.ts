// The commands on a running app: what they do, what they print for programs, and the exit code of each outcome.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { AppDetail, AppResult, SupervisorReport } from '../../src/daemon/control/contract.ts'
import type { HistoryEvent } from '../../src/daemon/event.ts'
import type { AppReport } from '../../src/supervisor/report.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused, Beside } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

/** Two workers of a program that says when it listens, counts SIGUSR2, and says so. */
async function talking(
  t: TestContext,
  wanted = 0,
): Promise<{ brood: Brood; report: AppReport; port: number }> {
  const brood = Brood.create(t)
  const script = temporaryProgram(
    t,
    'talks.mjs',
    `import http from 'node:http'
    let signals = 0
    http.createServer((request, response) => {
      response.setHeader('x-pid', process.pid)
      response.end(JSON.stringify({ signals }))
    }).listen(Number(process.env.PORT), () => {
      console.log('out of', process.env.BROOD_SLOT)
      console.error('err of', process.env.BROOD_SLOT)
    })
    process.on('SIGUSR2', () => console.log('signals:', ++signals))`,
  )
  const flags = ['-w', '2', '--name', 'web', '--env', `PORT=${wanted}`]
  return { brood, ...(await brood.start(script, ...flags)) }
}

/** What each of the workers has counted. */
async function signalsOf(t: TestContext, port: number, pids: readonly number[]): Promise<unknown[]> {
  const counts = new Map<number, unknown>()
  while (!pids.every((pid) => counts.has(pid))) {
    const { pid, json } = await get({ port, signal: t.signal })
    counts.set(pid, json.signals)
  }
  return pids.map((pid) => counts.get(pid))
}

/** The kind of each value, in place of values that differ from run to run. */
function shapeOf(value: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      one === null ? 'null' : Array.isArray(one) ? 'array' : typeof one,
    ]),
  )
}

const appShape = {
  name: 'string',
  script: 'string',
  status: 'string',
  size: 'number',
  addresses: 'array',
  workers: 'array',
}

const workerShape = {
  slot: 'number',
  pid: 'number',
  state: 'string',
  uptime: 'number',
  restarts: 'number',
  rss: 'number',
  cpu: 'number',
  blocked: 'boolean',
  connections: 'null',
  adopted: 'array',
}

const noWorkerShape = { ...workerShape, pid: 'null', uptime: 'null', rss: 'null', cpu: 'null' }

describe('list and show', { concurrency: 3 }, () => {
  test('print every app and worker, the settings, and the supervisor', bounded, async (t) => {
    const { brood, report } = await talking(t)
    const [web, ...others] = await brood.list()
    assert.deepEqual(others, [])
    assert.ok(web)
    assert.deepEqual(shapeOf(web), appShape)
    for (const worker of web.workers) assert.deepEqual(shapeOf(worker), workerShape)
    assert.deepEqual([web.name, web.status, web.size], ['web', 'running', 2])
    assert.deepEqual(pidsOf(web), pidsOf(report))
    assert.deepEqual(
      web.workers.map(({ slot, state, restarts, adopted }) => ({ slot, state, restarts, adopted })),
      [0, 1].map((slot) => ({ slot, state: 'ready', restarts: 0, adopted: [] })),
    )

    const detail = await brood.show('web')
    assert.deepEqual(shapeOf(detail), { ...appShape, queues: 'array', spec: 'object', failure: 'null' })
    assert.deepEqual(pidsOf(detail), pidsOf(report))
    assert.deepEqual([detail.spec.name, detail.spec.script, detail.spec.workers], ['web', web.script, 2])

    const supervisor = await brood.json<SupervisorReport>('show')
    assert.deepEqual(shapeOf(supervisor), {
      pid: 'number',
      version: 'string',
      protocol: 'number',
      node: 'string',
      home: 'string',
      uptime: 'number',
      rss: 'number',
      apps: 'number',
    })
    assert.deepEqual([supervisor.home, supervisor.apps], [brood.home, 1])
    assert.ok(brood.processes().includes(supervisor.pid))
  })

  test('show cuts nothing, however long it is', bounded, async (t) => {
    const brood = Brood.create(t)
    const long = 'x'.repeat(300)
    await brood.start(program('http.js'), '--name', 'web', '--', long)
    assert.match((await brood.run('show', 'web')).stdout, new RegExp(`^script .*http\\.js ${long}$`, 'm'))
  })

  test('print no app where there is none', bounded, async (t) => {
    const brood = Brood.create(t)
    assert.deepEqual(await brood.list(), [])
    assertRefused(await brood.run('show', 'web'), 3, /'web'/, /brood start/)
  })
})

describe('reload', { concurrency: 3 }, () => {
  test('of one slot replaces its worker and no other', bounded, async (t) => {
    const { brood, report } = await talking(t)
    const [first, second] = pidsOf(report)
    const results = await brood.json<AppResult[]>('reload', 'web/1')
    assert.deepEqual(
      results.map(({ app, error }) => ({ app, error })),
      [{ app: 'web', error: undefined }],
    )
    const after = pidsOf(results[0]?.report)
    assert.deepEqual([after.length, after[0]], [2, first])
    assert.notEqual(after[1], second)
    assert.deepEqual(pidsOf((await brood.list())[0]), after)
  })

  test('of a slot that is not there is refused with exit code 3', bounded, async (t) => {
    const { brood, report } = await talking(t)
    assertRefused(await brood.run('reload', 'web/2'), 3, /slots 0 to 1, not 2/)
    assert.deepEqual(pidsOf((await brood.list())[0]), pidsOf(report))
  })
})

describe('stop, restart and delete', { concurrency: 3 }, () => {
  test('stop refuses clients, restart serves them again on the same port', bounded, async (t) => {
    const { brood, report, port } = await talking(t, await freePort())
    const [stopped] = await brood.json<AppResult[]>('stop', 'web')
    assert.equal(stopped?.report?.status, 'stopped')
    assert.deepEqual(
      stopped.report.workers.map((worker) => [worker.state, shapeOf(worker)]),
      [0, 1].map(() => ['stopped', noWorkerShape]),
    )
    await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
    assert.equal((await brood.run('stop', 'web')).code, 0, 'it may be stopped twice')

    const [restarted] = await brood.json<AppResult[]>('restart', 'web')
    const after = pidsOf(restarted?.report)
    assert.equal(restarted?.report?.status, 'running')
    assert.equal(new Set([...pidsOf(report), ...after]).size, 4)
    assert.deepEqual(restarted.report.addresses, report.addresses)
    assert.ok(after.includes((await get({ port, signal: t.signal })).pid))
  })

  test('restart replaces the workers of a running app on the same port', bounded, async (t) => {
    const { brood, report, port } = await talking(t)
    const [restarted] = await brood.json<AppResult[]>('restart', 'web')
    const after = pidsOf(restarted?.report)
    assert.equal(new Set([...pidsOf(report), ...after]).size, 4)
    assert.ok(after.includes((await get({ port, signal: t.signal })).pid))
  })

  test('delete ends an app and forgets it', bounded, async (t) => {
    const { brood, report, port } = await talking(t)
    const [deleted] = await brood.json<AppResult[]>('delete', 'web')
    assert.deepEqual([deleted?.app, deleted?.error, deleted?.report?.status], ['web', undefined, 'stopped'])
    assert.deepEqual(await brood.list(), [])
    assert.deepEqual(
      brood.processes().filter((pid) => pidsOf(report).includes(pid)),
      [],
    )
    await assert.rejects(get({ port, signal: t.signal }), { code: 'ECONNREFUSED' })
    for (const command of ['show', 'stop', 'restart', 'reload', 'delete', 'logs']) {
      assertRefused(await brood.run(command, 'web'), 3, /'web'/)
    }
  })
})

describe('signal', { concurrency: 3 }, () => {
  test('to a slot reaches its worker and no other', bounded, async (t) => {
    const { brood, report, port } = await talking(t)
    const pids = pidsOf(report)
    const logs = new Beside(t, brood.spawn('logs', '-f', 'web'))
    assert.deepEqual(await brood.json('signal', 'web/0', 'SIGUSR2'), { reached: 1 })
    await logs.until(/^web\/0 \| signals: 1$/m)
    assert.deepEqual(await signalsOf(t, port, pids), [1, 0])
    assert.deepEqual(await brood.json('signal', 'web', 'USR2'), { reached: 2 })
    await logs.until(/^web\/0 \| signals: 2$/m)
    await logs.until(/^web\/1 \| signals: 1$/m)
    assert.deepEqual(await signalsOf(t, port, pids), [2, 1])
    assert.deepEqual(pidsOf((await brood.list())[0]), pids)
  })

  test('that ends a worker has it replaced', bounded, async (t) => {
    const { brood, report } = await talking(t)
    const [first, second] = pidsOf(report)
    assert.deepEqual(await brood.json('signal', 'web/1', 'KILL'), { reached: 1 })
    const next = await brood.event(
      ({ type, slot, pid }) => type === 'worker-ready' && slot === 1 && pid !== second,
    )
    assert.deepEqual(pidsOf((await brood.list())[0]), [first, next.pid])
  })
})

describe('logs', { concurrency: 3 }, () => {
  test('shows what each worker wrote, and where', bounded, async (t) => {
    const { brood } = await talking(t)
    const { stdout } = await brood.run('logs', 'web')
    const all = ['web/0 | out of 0', 'web/0 ! err of 0', 'web/1 | out of 1', 'web/1 ! err of 1']
    assert.deepEqual(stdout.split('\n'), [...all, ''])
    assert.equal((await brood.run('logs', 'web/1')).stdout, `${all[2]}\n${all[3]}\n`)
    const json = (await brood.run('logs', 'web/1', '--json')).stdout.trimEnd().split('\n')
    assert.deepEqual(
      json.map((line) => JSON.parse(line)),
      [
        { app: 'web', slot: 1, stream: 'stdout', line: 'out of 1' },
        { app: 'web', slot: 1, stream: 'stderr', line: 'err of 1' },
      ],
    )
  })

  test('shows only what is asked for', bounded, async (t) => {
    const { brood } = await talking(t)
    const linesOf = async (...options: string[]): Promise<string[]> =>
      (await brood.run('logs', 'web', ...options)).stdout.trimEnd().split('\n')
    assert.deepEqual(await linesOf('--slot', '1', '--err'), ['web/1 ! err of 1'])
    assert.deepEqual(await linesOf('--grep', 'of 0$', '--out'), ['web/0 | out of 0'])
    assert.equal((await linesOf('--since', '1h')).length, 4)
    for (const wrong of [
      ['--since', 'x'],
      ['--grep', '('],
      ['--slot', 'x'],
      ['-n', 'x'],
      ['--err', '--out'],
    ]) {
      const { code, stderr } = await brood.run('logs', 'web', ...wrong)
      assert.equal(code, 2, wrong.join(' '))
      assert.match(stderr, new RegExp(`^brood: .*${wrong[0]}`))
    }
  })

  test('-f goes on with what is written from then on, by later workers too', bounded, async (t) => {
    const { brood, report } = await talking(t)
    const logs = new Beside(t, brood.spawn('logs', '-f', 'web'))
    await logs.until(/^web\/1 ! err of 1$/m)
    const [, second] = pidsOf(report)
    assert.ok(second)
    process.kill(second, 'SIGUSR2')
    await logs.until(/^web\/1 \| signals: 1$/m)
    assert.equal((await brood.run('scale', 'web', '3')).code, 0)
    await logs.until(/^web\/2 \| out of 2$/m)
    logs.child.kill('SIGINT')
    const { code, stdout, stderr } = await logs.ended
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.equal(stdout.match(/signals/g)?.length, 1, 'every line comes once')
  })
})

describe('events', { concurrency: 3 }, () => {
  test('shows what happened so far', bounded, async (t) => {
    const { brood, report } = await talking(t)
    const [first, second] = pidsOf(report)
    assert.equal((await brood.run('stop', 'web')).code, 0)
    const events = await brood.events()
    for (const { at } of events) assert.ok(Math.abs(Date.now() - at) < 60_000, `${at} is no time of now`)
    const told = ({ type, app, slot, pid }: HistoryEvent) => JSON.stringify({ type, app, slot, pid })
    const ofWorkers = (type: string) =>
      [first, second].map((pid, slot) => JSON.stringify({ type, app: 'web', slot, pid }))
    const ofApp = (type: string) => JSON.stringify({ type, app: 'web' })
    // The two workers are in no order between them.
    assert.match(events[0]?.type ?? '', /^supervisor-started$/)
    assert.deepEqual(events.slice(1, 2).map(told), [ofApp('asked')])
    assert.deepEqual(events.slice(2, 4).map(told).toSorted(), ofWorkers('worker-started').toSorted())
    assert.deepEqual(events.slice(4, 6).map(told).toSorted(), ofWorkers('worker-ready').toSorted())
    assert.deepEqual(events.slice(6, 8).map(told), [ofApp('started'), ofApp('asked')])
    assert.deepEqual(events.slice(8, 10).map(told).toSorted(), ofWorkers('worker-exited').toSorted())
    assert.deepEqual(events.slice(10).map(told), [ofApp('stopped')])
  })

  test('-f goes on with what happens from then on', bounded, async (t) => {
    const { brood, report } = await talking(t)
    const [first] = pidsOf(report)
    assert.ok(first)
    const events = new Beside(t, brood.spawn('events', '-f', 'web'))
    await events.until(/ web is running\.$/m)
    process.kill(first, 'SIGKILL')
    await events.until(
      new RegExp(` web/0 \\(pid ${first}\\) was ended by SIGKILL, which brood did not send\\.$`, 'm'),
    )
    await events.until(
      new RegExp(` web/0 is ready again with pid (?!${first})\\d+, \\d+\\.\\d s later\\.$`, 'm'),
    )
  })
})

describe('exit codes', { concurrency: 3 }, () => {
  test('0 done, 1 failed, 2 usage, 3 no such app, 4 not ready', bounded, async (t) => {
    const { brood, report } = await talking(t)
    const server = program('http.js')
    const ran = await brood.run('reload', 'web')
    assert.deepEqual({ code: ran.code, stderr: ran.stderr }, { code: 0, stderr: '' })
    const reloaded = pidsOf((await brood.list())[0])
    assert.equal(new Set([...pidsOf(report), ...reloaded]).size, 4)

    assertRefused(
      await brood.run('start', server, '--name', 'web'),
      1,
      /'web' is running/,
      /brood reload web/,
    )
    assertRefused(await brood.run('stop', 'web/0'), 2, /stop takes a whole app/)
    assertRefused(await brood.run('restart', 'web/0'), 2, /brood reload web\/0/)
    assertRefused(await brood.run('delete', 'web/0'), 2, /delete takes a whole app/)
    assertRefused(await brood.run('signal', 'nobody', 'USR2'), 3, /'nobody'/, /there is web/)
    assertRefused(await brood.run('signal', 'web/2', 'USR2'), 3, /slots 0 to 1/)
    assertRefused(await brood.run('events', 'nobody'), 3, /'nobody'/)
    assertRefused(await brood.run('start', program('crashes-at-boot.js')), 4, /no database/)
    assertRefused(
      await brood.run('start', program('never-ready.js'), '--ready-timeout', '300ms', '--grace', '1s'),
      4,
      /never-ready\/0 was not ready within 300ms/,
    )
    const apps = await brood.list()
    assert.deepEqual(
      apps.map(({ name }) => name),
      ['web'],
    )
    assert.deepEqual(pidsOf(apps[0]), reloaded, 'none of this touched the app')
  })

  test('a command for all apps tells the outcome of each, and fails if one does', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = ['--settle', '2s', '--ready-timeout', '10s']
    const breaks = temporaryProgram(
      t,
      'breaks.mjs',
      `import { existsSync, writeFileSync } from 'node:fs'
      const mark = new URL('started', import.meta.url)
      if (existsSync(mark)) throw new Error('only once')
      writeFileSync(mark, '')
      await import('${program('http.js')}')`,
    )
    const { report: good } = await brood.start(program('http.js'), '--name', 'good')
    const { report: bad, port } = await brood.start(breaks, '--name', 'bad', ...flags)
    const ran = await brood.run('reload', 'all', '--json')
    assert.equal(ran.code, 4)
    const results = JSON.parse(ran.stdout) as AppResult[]
    assert.deepEqual(
      results.map(({ app, error }) => [app, error?.code]),
      [
        ['good', undefined],
        ['bad', 'not_ready'],
      ],
    )
    assert.notDeepEqual(pidsOf(results[0]?.report), pidsOf(good))
    const detail: AppDetail = await brood.show('bad')
    assert.deepEqual(pidsOf(detail), pidsOf(bad))
    assert.equal((await get({ port, signal: t.signal })).pid, pidsOf(bad)[0])
    assert.equal(portOf(detail), port)
  })
})
