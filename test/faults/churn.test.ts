// Guarantee 6, and no leak: after many restarts and many starts and stops nothing is left, and the supervisor is as small as before.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { Brood, pidsOf } from '../support/brood.ts'
import { atRest, Supervision } from '../support/supervision.ts'
import { temporaryProgram } from '../support/temporary.ts'
import { record } from './figures.ts'

/** A usual run makes some; `BROOD_CYCLES=10000` gives the figures that are published. */
const cycles = Number(process.env.BROOD_CYCLES ?? 60)
const restarts = Number(process.env.BROOD_RESTARTS ?? Math.min(1000, cycles))

/** Bytes per cycle that a slope must stay under, judged where there are enough cycles to tell it from a warm-up. */
const mostSlope = 2048
const enough = 1000

const tiny = "require('node:net').createServer().listen(Number(process.env.PORT))\n"
const timeout = 120_000 + cycles * 400

interface Sizes {
  readonly descriptors: number
  readonly rss: number
}

test(`${cycles} times started and stopped, nothing is left`, { timeout }, async (t) => {
  const { brood, supervision, script } = await quietBrood(t)
  const spec = supervision.spec(script, { name: 'churn', env: ['PORT=0'], settle: '0' })
  const cycle = async (): Promise<void> => {
    await supervision.client.call('start', { spec })
    await supervision.act('stop', 'churn')
    await supervision.act('delete', 'churn')
  }
  await grow('start-stop', t, brood, supervision, cycles, cycle)
  assert.deepEqual(brood.processes(), [await supervision.pid()], 'the supervisor alone')
})

test(`${restarts} workers killed and restarted, nothing is left`, { timeout }, async (t) => {
  const { brood, supervision, script } = await quietBrood(t)
  const flags = { name: 'churn', workers: '2', env: ['PORT=0'], intensity: '1000000' }
  await supervision.start(script, flags)
  const cycle = async (): Promise<void> => {
    const [victim = 0] = pidsOf((await supervision.list())[0])
    process.kill(victim, 'SIGKILL')
    await supervision.until((apps) => atRest(apps) && !pidsOf(apps[0]).includes(victim), t.signal)
  }
  await grow('restarts', t, brood, supervision, restarts, cycle)
  assert.equal(brood.processes().length, 3, 'the supervisor and two workers')
})

async function quietBrood(
  t: TestContext,
): Promise<{ brood: Brood; supervision: Supervision; script: string }> {
  const brood = Brood.create(t)
  const script = temporaryProgram(t, 'tiny.cjs', tiny)
  await brood.start(script, '--name', 'first')
  const supervision = new Supervision(brood)
  await supervision.act('delete', 'first')
  return { brood, supervision, script }
}

/** Does it so many times, and looks meanwhile at what the supervisor has open and how much memory it uses. */
async function grow(
  name: string,
  t: TestContext,
  brood: Brood,
  supervision: Supervision,
  count: number,
  cycle: () => Promise<void>,
): Promise<void> {
  // What is allocated once is no growth.
  for (let done = 0; done < Math.min(20, count); done++) await cycle()
  const pid = await supervision.pid()
  const before = await sizesOf(supervision, pid)
  const samples: { x: number; y: number }[] = []
  const every = Math.max(1, Math.floor(count / 50))
  for (let done = 1; done <= count; done++) {
    await cycle()
    if (done % every === 0) samples.push({ x: done, y: (await sizesOf(supervision, pid)).rss })
  }
  const after = await sizesOf(supervision, pid)
  // The first half shows how the heap finds its size.
  const slope = slopeOf(samples.slice(samples.length / 2))
  const orphans = brood.processes().length - 1 - (await supervision.list()).flatMap(pidsOf).length
  t.diagnostic(
    `${count} cycles: ${before.descriptors} → ${after.descriptors} descriptors, ` +
      `${megabytes(before.rss)} → ${megabytes(after.rss)} MB, ${Math.round(slope)} bytes per cycle, ${orphans} orphans`,
  )
  record(`churn-${name}`, { cycles: count, before, after, slope, orphans })
  assert.equal(orphans, 0)
  assert.ok(after.descriptors <= before.descriptors + 1, 'descriptors do not grow')
  if (count >= enough) assert.ok(slope < mostSlope, `the memory grows by ${slope} bytes per cycle`)
}

async function sizesOf(supervision: Supervision, pid: number): Promise<Sizes> {
  const { rss } = await supervision.client.call('status', {})
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, rss }
}

/** Least squares. */
function slopeOf(points: readonly { x: number; y: number }[]): number {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length
  const over = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0)
  const under = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  return under === 0 ? 0 : over / under
}

function megabytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1)
}
