// Guarantee 3: a killed supervisor fails no request, its workers stay who they are, and control is back by itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { formatReport, type LoadReport, startLoad } from '../support/load/index.ts'
import { Times } from '../support/load/times.ts'
import { atRest, Supervision } from '../support/supervision.ts'
import { answeredMore, assertNoneFailed, countsOf, record } from './figures.ts'

/** A usual run kills a few times; `BROOD_SUPERVISOR_KILLS=200` gives the figures that are published. */
const kills = Number(process.env.BROOD_SUPERVISOR_KILLS ?? 8)
/** After so many kills the workers are replaced, so that the next kills meet workers of another origin. */
const commandsEvery = 4
/** Milliseconds; how long control may be away at the 99th percentile, judged where there are enough kills to speak of one. */
const backWithin = 1000

const kinds = {
  keepAliveBusy: { clients: 20, pause: 10 },
  keepAliveIdle: { clients: 20, idleFrom: 20, idleTo: 400 },
  short: { clients: 4, pause: 5 },
  upload: { clients: 2 },
  stream: { clients: 2 },
} as const

test(`${kills} supervisors killed under load fail no request`, { timeout: 900_000 }, async (t) => {
  const brood = Brood.create(t)
  const { port, report } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
  const supervision = new Supervision(brood)
  const load = startLoad({ port, seed: 1, signal: t.signal, kinds })
  const away = new Times()
  let pids = pidsOf(report)
  let commands = 0
  for (let kill = 1; kill <= kills; kill++) {
    await load.until(answeredMore(load.report, 50))
    const before = await supervision.pid()
    const since = performance.now()
    process.kill(before, 'SIGKILL')
    const [web] = await supervision.back(t.signal)
    away.record(performance.now() - since)
    assert.deepEqual(pidsOf(web), pids, `the workers are who they were, after kill ${kill}`)
    assert.notEqual(await supervision.pid(), before)
    // The next kill may also meet workers that are still on their way back.
    if (kill % 2 === 0) await supervision.until(atRest, t.signal)
    if (kill % commandsEvery !== 0) continue
    assert.deepEqual(supervision.supervisors(), [await supervision.pid()], 'there is one supervisor')
    if (kill === commandsEvery) assertNoneReconnected(load.report)
    await supervision.act('reload', 'web')
    await supervision.client.call('scale', { app: 'web', change: '3' })
    await supervision.client.call('scale', { app: 'web', change: '2' })
    const [after] = await supervision.until(atRest, t.signal)
    assert.equal(
      pidsOf(after).some((pid) => pids.includes(pid)),
      false,
      'all were replaced',
    )
    pids = pidsOf(after)
    commands++
  }
  const counted = await load.stop()
  t.diagnostic(`\n${formatReport(counted)}`)
  t.diagnostic(`control was back after ${milliseconds(away, 50)} (p50), ${milliseconds(away, 99)} (p99)`)
  record('supervisor-kills', {
    kills,
    reloads: commands,
    scales: 2 * commands,
    ...countsOf(counted),
    backP50: away.percentile(50),
    backP99: away.percentile(99),
    backMax: away.max,
  })
  assertNoneFailed(counted)
  if (kills >= 100) assert.ok(away.percentile(99) < backWithin)
  assert.equal(brood.processes().length, 3, 'a supervisor and two workers')
})

function assertNoneReconnected({ kinds: { keepAliveBusy, keepAliveIdle } }: LoadReport): void {
  assert.equal(keepAliveBusy.connections, kinds.keepAliveBusy.clients, 'no busy client had to reconnect')
  assert.equal(keepAliveIdle.connections, kinds.keepAliveIdle.clients, 'no idle client had to reconnect')
}

function milliseconds(times: Times, percent: number): string {
  return `${Math.round(times.percentile(percent))} ms`
}
