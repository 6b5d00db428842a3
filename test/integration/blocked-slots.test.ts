// Workers of mode slots that are stopped: whatever else happens meanwhile, whoever can serve does.
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { formatReport, startLoad } from '../support/load/index.ts'

const bounded = { timeout: 120_000 }
const skip = process.platform !== 'linux'

interface Web {
  readonly brood: Brood
  readonly port: number
  readonly pids: readonly number[]
  /** So many new connections at once: the pids of who answers. */
  ask(count?: number): Promise<Set<number>>
  /** Settles when these slots' queues, and no others, are served by siblings. */
  adopted(...slots: number[]): Promise<void>
  stop(pid: number | undefined): void
  go(pid: number | undefined): void
}

async function startWeb(t: TestContext, workers: number, ...flags: string[]): Promise<Web> {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(
    program('http.js'),
    ...['-w', `${workers}`, '--name', 'web', '--share', 'slots', '--grace', '2s', ...flags],
  )
  const signal = (pid: number | undefined, name: 'SIGSTOP' | 'SIGCONT'): void => {
    assert.ok(pid !== undefined)
    process.kill(pid, name)
  }
  return {
    brood,
    port,
    pids: pidsOf(report),
    async ask(count = 40) {
      const asked = Array.from({ length: count }, () => get({ port, timeout: 20_000, signal: t.signal }))
      return new Set((await Promise.all(asked)).map(({ pid }) => pid))
    },
    async adopted(...slots) {
      for (;;) {
        const { queues } = await brood.show('web')
        const now = queues.flatMap(({ slot, adopter }) => (adopter === null ? [] : [slot]))
        if (now.join() === slots.join()) return
        t.signal.throwIfAborted()
      }
    },
    stop: (pid) => signal(pid, 'SIGSTOP'),
    go: (pid) => signal(pid, 'SIGCONT'),
  }
}

suite('a stopped worker', { skip }, () => {
  test(
    'is replaced by whoever is left, one after the other, and all are back in their places',
    bounded,
    async (t) => {
      const { pids, ask, adopted, stop, go } = await startWeb(t, 3)
      const [first, second, third] = pids
      stop(first)
      assert.deepEqual(await ask(), new Set([second, third]))
      stop(second)
      assert.deepEqual(await ask(), new Set([third]), 'also what the second had taken in')
      await adopted(0, 1)
      go(first)
      await adopted(1)
      go(second)
      await adopted()
      assert.deepEqual(await ask(200), new Set(pids))
    },
  )

  test('and all its siblings leave clients waiting, until one goes on', bounded, async (t) => {
    const { pids, ask, stop, go } = await startWeb(t, 2)
    const [first, second] = pids
    assert.ok((await ask()).size > 0)
    stop(first)
    stop(second)
    const waiting = ask()
    go(second)
    assert.deepEqual(await waiting, new Set([second]))
    go(first)
  })

  test('that is killed refuses nobody, and its successor gets its place', bounded, async (t) => {
    const { brood, port, pids, ask, adopted, stop } = await startWeb(t, 2)
    const [first, second] = pids
    assert.ok(first !== undefined)
    stop(first)
    assert.deepEqual(await ask(), new Set([second]))
    await adopted(0)
    const load = startLoad({ port, signal: t.signal, kinds: { short: { clients: 4, pause: 5 } } })
    process.kill(first, 'SIGKILL')
    await brood.event(({ type, pid }) => type === 'worker-exited' && pid === first)
    await adopted()
    const [now] = await brood.list()
    await load.until(({ total }) => pidsOf(now).every((pid) => total.pids.has(pid)))
    const done = await load.stop()
    assert.deepEqual(done.examples, [], formatReport(done))
  })

  test('is reloaded and scaled away as any other, at its time', bounded, async (t) => {
    const { brood, port, pids, ask, adopted, stop } = await startWeb(t, 2)
    stop(pids[0])
    await ask()
    await adopted(0)
    const kinds = { short: { clients: 4, pause: 5 } }
    const load = startLoad({ port, signal: t.signal, kinds })
    const reloaded = await brood.run('reload', 'web')
    assert.equal(reloaded.code, 0, reloaded.stderr)
    const [now] = await brood.list()
    await load.until(({ total }) => pidsOf(now).every((pid) => total.pids.has(pid)))
    await adopted()
    const done = await load.stop()
    assert.deepEqual(done.examples, [], formatReport(done))
    const [, last] = pidsOf(now)
    stop(last) // without load, or it would hold requests that it has accepted
    await ask()
    await adopted(1)
    const next = startLoad({ port, signal: t.signal, kinds })
    const scaled = await brood.run('scale', 'web', '1')
    assert.equal(scaled.code, 0, scaled.stderr)
    const { successes } = next.report.total
    await next.until(({ total }) => total.successes > successes + 50)
    const scaledDown = await next.stop()
    assert.deepEqual(scaledDown.examples, [], formatReport(scaledDown))
    await adopted(1) // nobody's own any more
  })

  test('is helped by workers that an earlier supervisor started, too', bounded, async (t) => {
    const { brood, pids, ask, adopted, stop, go } = await startWeb(t, 2)
    const supervisor = await brood.killSupervisor()
    await brood.replaced(supervisor)
    const [first, second] = pids
    stop(first)
    assert.deepEqual(await ask(), new Set([second]))
    go(first)
    await adopted()
    assert.ok((await ask(100)).has(first ?? 0), 'it serves again')
    stop(second)
    assert.deepEqual(await ask(), new Set([first]))
    go(second)
  })
})
