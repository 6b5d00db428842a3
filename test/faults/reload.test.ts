// Guarantee 1: a reload fails no request, whatever is in flight.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { formatReport, startLoad } from '../support/load/index.ts'

/** CI runs ten; `BROOD_RELOADS=100 npm test -- test/faults/reload.test.ts` runs the full hundred. */
const reloads = Number(process.env.BROOD_RELOADS ?? 10)

test(`${reloads} reloads under load fail no request`, { timeout: 600_000 }, async (t) => {
  const brood = Brood.create(t)
  const { report: before, port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
  const load = startLoad({
    port,
    seed: 1,
    signal: t.signal,
    kinds: {
      keepAliveBusy: { clients: 50, pause: 10 },
      keepAliveIdle: { clients: 50, idleFrom: 20, idleTo: 400 },
      short: { clients: 8, pause: 5 },
      upload: { clients: 4 },
      stream: { clients: 4 },
    },
  })
  for (let round = 0; round < reloads; round++) {
    const ran = await brood.run('reload', 'web')
    assert.equal(ran.code, 0, ran.stderr)
  }
  const [after] = await brood.list()
  for (const pid of pidsOf(after)) await load.until(({ total }) => total.pids.has(pid))
  const report = await load.stop()
  t.diagnostic(`\n${formatReport(report)}`)
  const { total } = report
  assert.deepEqual(report.examples, [])
  assert.deepEqual(
    { resets: total.resets, refusals: total.refusals, timeouts: total.timeouts, wrong: total.wrong },
    { resets: 0, refusals: 0, timeouts: 0, wrong: 0 },
  )
  assert.ok(total.successes > 100 * reloads, `only ${total.successes} requests were made`)
  assert.equal(total.pids.size >= 2 * reloads, true, 'every reload brought new workers that answered')
  assert.equal(
    pidsOf(after).some((pid) => pidsOf(before).includes(pid)),
    false,
    'every worker was replaced',
  )
})
