// Another description of an app comes by `brood apply`, and goes by itself when it is bad, or by `brood rollback`.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { ConfigFile } from '../support/config-file.ts'
import { freePort } from '../support/free-port.ts'
import { startLoad } from '../support/load/index.ts'

const bounded = { timeout: 60_000 }

type Settings = Readonly<Record<string, unknown>>

/** An app of two workers that runs by a configuration file, and some load on it. */
class Deployment {
  readonly brood: Brood
  readonly port: number
  readonly load: ReturnType<typeof startLoad>
  readonly #file: ConfigFile
  readonly #base: Settings

  private constructor(brood: Brood, file: ConfigFile, base: Settings, port: number, signal: AbortSignal) {
    this.brood = brood
    this.port = port
    this.#file = file
    this.#base = base
    const kinds = { keepAliveBusy: { clients: 2, pause: 5 }, short: { clients: 2, pause: 5 } }
    this.load = startLoad({ port, signal, kinds })
  }

  static async start(t: TestContext, more: Settings = {}): Promise<Deployment> {
    const brood = Brood.create(t)
    const file = new ConfigFile(t)
    const base = {
      name: 'web',
      script: program('as-told.js'),
      workers: 2,
      port: 0,
      ready: { timeout: '2s', settle: '200ms' },
      env: { RELEASE: 'first' },
      ...more,
    }
    const ran = await brood.run('apply', file.write([base]))
    assert.equal(ran.code, 0, ran.stderr)
    const port = portOf(await brood.show('web'))
    return new Deployment(brood, file, base, port, t.signal)
  }

  apply(changes: Settings) {
    return this.brood.run('apply', this.write(changes))
  }

  write(changes: Settings): string {
    return this.#file.write([{ ...this.#base, ...changes }])
  }

  async pids(): Promise<number[]> {
    return pidsOf(await this.brood.show('web'))
  }

  /** All workers are ready, they answer as this release, and `show` says the same of them. */
  async runs(release: string, port = this.port): Promise<number[]> {
    const { status, workers, spec, addresses } = await this.brood.show('web')
    assert.equal(status, 'running')
    assert.deepEqual(
      workers.map(({ slot, state }) => [slot, state]),
      [
        [0, 'ready'],
        [1, 'ready'],
      ],
    )
    assert.equal(spec.env.RELEASE, release)
    assert.deepEqual(addresses, [`*:${port}`])
    const pids = workers.flatMap(({ pid }) => (pid === null ? [] : [pid]))
    const answered = new Set<number>()
    while (answered.size < pids.length) {
      const { pid, json } = await get({ port })
      assert.equal(json.release, release, `pid ${pid}`)
      assert.ok(pids.includes(pid), `${pid} answered, which is not one of ${pids}`)
      answered.add(pid)
    }
    return pids
  }

  /** A worker that dies takes what it has accepted along; nobody else may notice. */
  async onlyAcceptedRequestsFailed(): Promise<void> {
    const { total } = await this.load.stop()
    assert.deepEqual([total.refusals, total.timeouts, total.wrong], [0, 0, 0])
  }

  async noRequestFailed(): Promise<void> {
    const { total, examples } = await this.load.stop()
    assert.deepEqual(examples, [])
    assert.equal(total.failures, 0)
    assert.ok(total.successes > 20, `only ${total.successes} requests were made`)
  }

  /** What takes the place of a killed worker is of this release, in every slot. */
  async comesBackAs(release: string, port = this.port): Promise<void> {
    for (const [slot, killed] of (await this.pids()).entries()) {
      process.kill(killed, 'SIGKILL')
      await this.brood.event(({ type, pid }) => type === 'worker-exited' && pid === killed)
      await this.brood.waitForStatus('web', 'running')
      assert.equal((await this.pids()).includes(killed), false, `slot ${slot}`)
    }
    await this.runs(release, port)
  }

  async replaceSupervisor(): Promise<void> {
    const { pid } = await this.brood.json<{ pid: number }>('show')
    process.kill(pid, 'SIGKILL')
    await this.brood.replaced(pid)
  }

  async count(type: string): Promise<number> {
    return (await this.brood.events()).filter((event) => event.type === type).length
  }
}

describe('apply', { concurrency: 2 }, () => {
  test('reloads for a changed variable, and the second time changes nothing', bounded, async (t) => {
    const deployment = await Deployment.start(t)
    const before = await deployment.runs('first')
    const ran = await deployment.apply({ env: { RELEASE: 'second' } })
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /^~ web {2}reload\n {4}env\.RELEASE: first → second\n/)
    assert.match(ran.stdout, /reloaded web\n$/)
    const after = await deployment.runs('second')
    assert.equal(new Set([...before, ...after]).size, 4, `${before} were replaced by ${after}`)
    await deployment.noRequestFailed()
    const again = await deployment.apply({ env: { RELEASE: 'second' } })
    assert.deepEqual(again, { code: 0, stdout: '= web  unchanged\n1 unchanged\n', stderr: '' })
    assert.deepEqual(await deployment.runs('second'), after)
  })

  test('leaves the workers for what only the supervisor does', bounded, async (t) => {
    const deployment = await Deployment.start(t)
    const before = await deployment.runs('first')
    const live = { stop: { grace: '3s' }, restart: { intensity: 0, period: '1m' }, maxMemory: '900MB' }
    const ran = await deployment.apply(live)
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /changed web\n$/)
    assert.deepEqual(await deployment.runs('first'), before)
    const { spec } = await deployment.brood.show('web')
    assert.deepEqual([spec.stop.grace, spec.restart.intensity, spec.renew.maxMemory], [3000, 0, 900_000_000])
    await deployment.noRequestFailed()
    // The new intensity counts: the first crash is one too many.
    process.kill(Number(before[1]), 'SIGSEGV')
    const { slot } = await deployment.brood.event(({ type }) => type === 'slot-failed')
    assert.equal(slot, 1)
  })

  test('restarts for another port', bounded, async (t) => {
    const [old, next] = [await freePort(), await freePort()]
    const deployment = await Deployment.start(t, { port: old })
    await deployment.load.stop()
    const before = await deployment.runs('first', old)
    const ran = await deployment.apply({ port: next, env: { RELEASE: 'second' } })
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /restarted web\n$/)
    const after = await deployment.runs('second', next)
    assert.equal(new Set([...before, ...after]).size, 4)
    await assert.rejects(get({ port: old }), { code: 'ECONNREFUSED' })
  })

  test('that restarts, and fails, brings back what was there', bounded, async (t) => {
    const [old, next] = [await freePort(), await freePort()]
    const deployment = await Deployment.start(t, { port: old })
    await deployment.load.stop()
    const ran = await deployment.apply({ port: next, env: { RELEASE: 'second', BEHAVIOUR: 'crash' } })
    assertRefused(
      { ...ran, stdout: '' },
      4,
      /^brood: web\/[01] exited with code 1: Error: this release is bad/,
    )
    await deployment.runs('first', old)
    await assert.rejects(get({ port: next }), { code: 'ECONNREFUSED' })
  })

  const bad = [
    [
      'crashes at boot',
      { BEHAVIOUR: 'crash' },
      /^brood: web\/0 exited with code 1: Error: this release is bad /,
    ],
    ['never becomes ready', { BEHAVIOUR: 'silent' }, /^brood: web\/0 was not ready within 2s/],
    [
      'crashes right after it is ready',
      { BEHAVIOUR: 'late-crash' },
      /^brood: web\/0 exited with code 1: Error: this release is bad, as it turns out/,
    ],
    [
      'crashes in the second slot',
      { BEHAVIOUR: 'crash', BAD_SLOT: '1' },
      /^brood: web\/1 exited with code 1: Error: this release is bad/,
    ],
    [
      'crashes in the second slot right after it is ready',
      { BEHAVIOUR: 'late-crash', BAD_SLOT: '1' },
      /^brood: web\/1 exited with code 1: Error: this release is bad/,
    ],
  ] as const
  for (const [what, env, says] of bad) {
    test(`of a release that ${what} leaves the old one in all slots`, bounded, async (t) => {
      const deployment = await Deployment.start(t)
      const { brood } = deployment
      const before = await deployment.runs('first')
      const ran = await deployment.apply({ env: { RELEASE: 'second', ...env } })
      assertRefused({ ...ran, stdout: '' }, 4, says, /the old workers go on/)
      const isSecond = 'BAD_SLOT' in env
      if (isSecond) await brood.event(({ type }) => type === 'rolled-back')
      const after = await deployment.runs('first')
      assert.equal(after[1], before[1], 'the worker of slot 1 was never replaced')
      assert.equal(
        after[0] === before[0],
        !isSecond,
        'the worker of slot 0 was replaced only if the new one began well',
      )
      if (env.BEHAVIOUR === 'late-crash') await deployment.onlyAcceptedRequestsFailed()
      else await deployment.noRequestFailed()
      assert.equal(await deployment.count('reload-aborted'), 1)
      assert.equal(await deployment.count('rolled-back'), isSecond ? 1 : 0)
      assert.equal(await deployment.count('applied'), 0)
      // What failed is no description to go back to.
      assertRefused(await brood.run('rollback', 'web'), 2, /has had no other description/)
      const mended = await deployment.apply({ env: { RELEASE: 'third' } })
      assert.equal(mended.code, 0, mended.stderr)
      await deployment.runs('third')
    })
  }

  test('of a bad release leaves later crashes to the old one', bounded, async (t) => {
    const deployment = await Deployment.start(t)
    const { brood } = deployment
    await deployment.apply({ env: { RELEASE: 'second', BEHAVIOUR: 'crash', BAD_SLOT: '1' } })
    await brood.event(({ type }) => type === 'rolled-back')
    const [first] = await deployment.runs('first')
    await deployment.load.stop() // a killed worker may take requests with it
    process.kill(Number(first), 'SIGKILL')
    await brood.event(({ type, slot, pid }) => type === 'worker-exited' && slot === 0 && pid === first)
    await brood.waitForStatus('web', 'running')
    await deployment.runs('first')
  })
})

describe('rollback', { concurrency: 2 }, () => {
  test('goes back by a reload where that suffices, and twice is forth again', bounded, async (t) => {
    const deployment = await Deployment.start(t)
    const { brood } = deployment
    await deployment.apply({ env: { RELEASE: 'second' } })
    await deployment.runs('second')
    const back = await brood.run('rollback', 'web')
    assert.equal(back.code, 0, back.stderr)
    assert.match(back.stdout, /rolled back web/)
    const pids = await deployment.runs('first')
    const forth = await brood.run('rollback', 'web')
    assert.equal(forth.code, 0, forth.stderr)
    const again = await deployment.runs('second')
    assert.equal(new Set([...pids, ...again]).size, 4)
    await deployment.noRequestFailed()
    assert.equal(await deployment.count('rolled-back'), 2)
  })

  test('goes back by a restart to another port', bounded, async (t) => {
    const [old, next] = [await freePort(), await freePort()]
    const deployment = await Deployment.start(t, { port: old })
    await deployment.load.stop()
    await deployment.apply({ port: next, env: { RELEASE: 'second' } })
    await deployment.runs('second', next)
    const back = await deployment.brood.run('rollback', 'web')
    assert.equal(back.code, 0, back.stderr)
    await deployment.runs('first', old)
    await assert.rejects(get({ port: next }), { code: 'ECONNREFUSED' })
    const forth = await deployment.brood.run('rollback', 'web')
    assert.equal(forth.code, 0, forth.stderr)
    await deployment.runs('second', next)
  })

  test('without a description before is refused, and so is one of nobody', bounded, async (t) => {
    const deployment = await Deployment.start(t)
    const before = await deployment.pids()
    assertRefused(
      await deployment.brood.run('rollback', 'web'),
      2,
      /^brood: 'web' has had no other description than the one it has/,
    )
    assertRefused(await deployment.brood.run('rollback', 'nobody'), 3, /no app is named 'nobody'/)
    assert.deepEqual(await deployment.pids(), before)
    await deployment.noRequestFailed()
  })

  test('is remembered over a killed supervisor', bounded, async (t) => {
    const deployment = await Deployment.start(t)
    const { brood } = deployment
    await deployment.apply({ env: { RELEASE: 'second' } })
    await deployment.replaceSupervisor()
    const before = await deployment.runs('second')
    const back = await brood.run('rollback', 'web')
    assert.equal(back.code, 0, back.stderr)
    const after = await deployment.runs('first')
    assert.equal(new Set([...before, ...after]).size, 4)
    await deployment.noRequestFailed()
  })
})

describe('a supervisor killed in the middle of an apply', { concurrency: 2 }, () => {
  test('leaves a good release to the next one, which finishes it', bounded, async (t) => {
    const deployment = await Deployment.start(t, { ready: { timeout: '5s', settle: '1s' } })
    const { brood } = deployment
    const before = await deployment.runs('first')
    const { pid } = await brood.json<{ pid: number }>('show')
    const applied = deployment.apply({ env: { RELEASE: 'second' } })
    await brood.event(({ type, pid: one }) => type === 'worker-ready' && !before.includes(Number(one)))
    process.kill(pid, 'SIGKILL')
    const ran = await applied
    assert.equal(ran.code, 1, JSON.stringify(ran))
    await brood.replaced(pid)
    await brood.event(({ type }) => type === 'reloaded')
    const after = await deployment.runs('second')
    assert.equal(new Set([...before, ...after]).size, 4)
    await deployment.noRequestFailed()
    await deployment.comesBackAs('second')
  })

  test('leaves a bad release to the next one, which takes it back', bounded, async (t) => {
    const deployment = await Deployment.start(t, { ready: { timeout: '5s', settle: '1s' } })
    const { brood } = deployment
    const before = await deployment.runs('first')
    const { pid } = await brood.json<{ pid: number }>('show')
    const applied = deployment.apply({ env: { RELEASE: 'second', BEHAVIOUR: 'crash', BAD_SLOT: '1' } })
    await brood.event(({ type, pid: one }) => type === 'worker-ready' && !before.includes(Number(one)))
    process.kill(pid, 'SIGKILL')
    await applied
    await brood.replaced(pid)
    await brood.event(({ type }) => type === 'rolled-back')
    const after = await deployment.runs('first')
    assert.equal(after[1], before[1])
    await deployment.noRequestFailed()
    const again = await deployment.apply({})
    assert.equal(again.stdout, '= web  unchanged\n1 unchanged\n', again.stderr)
    await deployment.comesBackAs('first')
  })
})

describe('a supervisor killed after an apply', { concurrency: 2 }, () => {
  test('that restarted leaves the new description to the next one', bounded, async (t) => {
    const [old, next] = [await freePort(), await freePort()]
    const deployment = await Deployment.start(t, { port: old })
    await deployment.load.stop()
    await deployment.apply({ port: next, env: { RELEASE: 'second' } })
    await deployment.replaceSupervisor()
    await deployment.runs('second', next)
    await deployment.comesBackAs('second', next)
  })

  test(
    'that changed nothing of the workers leaves the new description to the next one',
    bounded,
    async (t) => {
      const deployment = await Deployment.start(t)
      await deployment.apply({ restart: { intensity: 0, period: '1m' } })
      await deployment.replaceSupervisor()
      const [first] = await deployment.runs('first')
      await deployment.noRequestFailed()
      process.kill(Number(first), 'SIGSEGV')
      await deployment.brood.event(({ type }) => type === 'slot-failed')
    },
  )

  test('that was taken back leaves the old description to the next one', bounded, async (t) => {
    const deployment = await Deployment.start(t)
    const { brood } = deployment
    await deployment.apply({ env: { RELEASE: 'second' } })
    await deployment.apply({ env: { RELEASE: 'third', BEHAVIOUR: 'crash', BAD_SLOT: '1' } })
    await brood.event(({ type }) => type === 'rolled-back')
    await deployment.replaceSupervisor()
    await deployment.runs('second')
    await deployment.noRequestFailed()
    await deployment.comesBackAs('second')
    const back = await brood.run('rollback', 'web')
    assert.equal(back.code, 0, back.stderr)
    await deployment.runs('first')
  })

  test('in the middle of taking it back lets the next one go on with that', bounded, async (t) => {
    const deployment = await Deployment.start(t, { ready: { timeout: '5s', settle: '1s' } })
    const { brood } = deployment
    await deployment.apply({ env: { RELEASE: 'second' } })
    const ran = await deployment.apply({ env: { RELEASE: 'third', BEHAVIOUR: 'crash', BAD_SLOT: '1' } })
    assert.equal(ran.code, 4, ran.stderr)
    await deployment.replaceSupervisor()
    await brood.waitForStatus('web', 'running')
    await deployment.runs('second')
    await deployment.noRequestFailed()
    await deployment.comesBackAs('second')
  })
})
