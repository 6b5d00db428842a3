// With `rebalance`, idle keep-alive connections move from workers with many to workers with few, and no client notices.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Brood, portOf, program } from '../support/brood.ts'
import { ConfigFile } from '../support/config-file.ts'
import { formatReport, startLoad } from '../support/load/index.ts'

const timeout = 60_000
const clients = 60

/** Connections of each worker, by slot; of those that have been asked. */
async function counts(brood: Brood, app: string): Promise<number[]> {
  const { workers } = await brood.show(app)
  return workers.flatMap(({ connections }) => (connections === null ? [] : [connections]))
}

/** Settles when the workers have been counted and none has more than that; each look is a command of its own. */
async function spread(brood: Brood, app: string, workers: number, most: number): Promise<number[]> {
  for (;;) {
    const now = await counts(brood, app)
    const total = now.reduce((sum, count) => sum + count, 0)
    if (now.length === workers && total === clients && Math.max(...now) <= most) return now
  }
}

const kinds = { keepAliveIdle: { clients, idleFrom: 5, idleTo: 150 } }

describe('connections opened with one worker, of three', { concurrency: 1 }, () => {
  for (const share of ['slots', 'shared', 'balanced']) {
    test(`${share}: are spread to within 1.1 of the mean, no request fails, nobody reconnects`, {
      timeout,
    }, async (t) => {
      const brood = Brood.create(t)
      const flags = ['--share', share, '--rebalance', '-w', '1', '--name', 'web']
      const { port } = await brood.start(program('http.js'), ...flags)
      const load = startLoad({ port, kinds, signal: t.signal })
      await load.until(({ total }) => total.connections === clients && total.successes > 2 * clients)
      assert.equal((await brood.run('scale', 'web', '3')).code, 0)
      await spread(brood, 'web', 3, 1.1 * (clients / 3))
      const before = load.report.total.successes
      await load.until(({ total }) => total.successes > before + 5 * clients)
      const report = await load.stop()
      assert.equal(report.total.failures, 0, formatReport(report))
      assert.equal(report.total.connections, clients, formatReport(report))
      assert.equal(report.total.idleCloses, 0, formatReport(report))
      assert.equal(report.total.pids.size, 3, formatReport(report))
      const moves = (await brood.events()).filter(({ type }) => type === 'rebalanced')
      assert.equal(moves.length, 1, JSON.stringify(moves))
      assert.match(
        moves[0]?.reason ?? '',
        /^moved \d\d idle connections: web\/0 60→(19|20|21|22), web\/1 0→\d+, web\/2 0→\d+$/,
      )
    })
  }
})

test('is switched on by apply without a worker being replaced', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const file = new ConfigFile(t)
  const app = { name: 'web', script: program('http.js'), env: { PORT: '0' }, watchdog: false }
  assert.equal((await brood.run('apply', file.write([app]))).code, 0)
  const before = await brood.show('web')
  const load = startLoad({ port: portOf(before), kinds, signal: t.signal })
  await load.until(({ total }) => total.connections === clients)
  const wanted = [{ ...app, workers: 2, rebalance: true }]
  const applied = await brood.run('apply', file.write(wanted))
  assert.equal(applied.code, 0, applied.stderr)
  assert.match(applied.stdout, /rebalance/)
  await spread(brood, 'web', 2, 1.1 * (clients / 2))
  const after = await brood.show('web')
  assert.equal(after.workers[0]?.pid, before.workers[0]?.pid)
  const { total } = await load.stop()
  assert.deepEqual([total.failures, total.connections], [0, clients])
})

test('goes on under the next supervisor, with the workers that this one has started', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(program('http.js'), '--rebalance', '--name', 'web')
  await brood.replaced(await brood.killSupervisor())
  const load = startLoad({ port, kinds, signal: t.signal })
  await load.until(({ total }) => total.connections === clients)
  assert.equal((await brood.run('scale', 'web', '2')).code, 0)
  // The worker of the supervisor that is gone has all of them, and nobody can take any from it.
  assert.equal((await brood.run('reload', 'web')).code, 0)
  await spread(brood, 'web', 2, 1.1 * (clients / 2))
  const report = await load.stop()
  assert.equal(report.total.failures, 0, formatReport(report))
})
