// What has to be true after every fault, as soon as the brood has come to rest.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { AppReport } from '../../../src/supervisor/report.ts'
import { get } from '../../fixtures/get.ts'
import { pidsOf } from '../../support/brood.ts'
import type { LoadReport } from '../../support/load/index.ts'
import { atRest } from '../../support/supervision.ts'
import { type Counts, countsOf } from '../figures.ts'
import { type Arena, connections } from './arena.ts'
import type { Harm } from './fault.ts'

/** How long a brood may take to come to rest: a worker that does not come back has ten seconds, a stop as many. */
const restWithin = 25_000
/** Nobody outside is told of the end of a process; milliseconds between two looks. */
const lookEvery = 20

/** Settles when everything is as it should be; rejects with what is not. */
export async function check(arena: Arena, before: Counts, { killed }: Harm): Promise<void> {
  const { load } = arena
  const signal = AbortSignal.any([arena.signal, AbortSignal.timeout(restWithin)])
  const apps = await restOf(arena, signal)
  await everyoneAnswers(arena, apps, signal)
  const { requests: _, ...now } = countsOf(load.report)
  const failed = {
    resets: now.resets - before.resets,
    refusals: now.refusals - before.refusals,
    timeouts: now.timeouts - before.timeouts,
    wrong: now.wrong - before.wrong,
  }
  const told = load.report.examples.slice(-5).join('\n')
  assert.ok(
    failed.resets <= killed * connections,
    `${failed.resets} resets with ${killed} workers killed\n${told}`,
  )
  assert.deepEqual({ ...failed, resets: 0 }, { resets: 0, refusals: 0, timeouts: 0, wrong: 0 }, told)
}

function isWhole({ sizes }: Arena, apps: readonly AppReport[]): boolean {
  return (
    apps.length === sizes.size &&
    apps.every(({ name, size, status }) => status === 'running' && size === sizes.get(name))
  )
}

/** At rest, and no process besides one supervisor and the workers of the list. */
async function restOf(arena: Arena, signal: AbortSignal): Promise<AppReport[]> {
  const { brood, supervision } = arena
  for (;;) {
    // Again each time: the end of a process may not have been noticed before.
    const apps = await supervision.until((reports) => atRest(reports) && isWhole(arena, reports), signal)
    const known = [...apps.flatMap(pidsOf), await supervision.pid()].toSorted((a, b) => a - b)
    const found = brood.processes().toSorted((a, b) => a - b)
    if (`${found}` === `${known}`) return apps
    if (signal.aborted) assert.deepEqual(found, known, 'other processes than brood knows of')
    await pause(lookEvery)
  }
}

/** Every worker of the app under load answers a request that came after the fault; so does the other app. */
async function everyoneAnswers(arena: Arena, apps: readonly AppReport[], signal: AbortSignal): Promise<void> {
  const { load } = arena
  const web = apps.find(({ name }) => name === 'web')
  const before = new Map(pidsOf(web).map((pid) => [pid, answersOf(load.report, pid)]))
  const silent = (): number[] =>
    [...before].filter(([pid, count]) => answersOf(load.report, pid) <= count).map(([pid]) => pid)
  const over = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer from ${silent()}`)), { once: true })
  })
  await Promise.race([load.until(() => silent().length === 0), over])
  const port = await arena.sidePort()
  const side = apps.find(({ name }) => name === 'side')
  assert.ok(pidsOf(side).includes((await get({ port, signal })).pid), 'the other app answers')
}

function answersOf({ total }: LoadReport, pid: number): number {
  return total.pids.get(pid) ?? 0
}
