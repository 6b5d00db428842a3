// The watchdog with real processes: it fires for a blocked loop, and never for one that is busy, stopped, or waits for work.
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { systemClock } from '../../src/kernel/clock.ts'
import { mainThreadOf } from '../../src/process/main-thread.ts'
import { Watchdog } from '../../src/supervisor/watchdog.ts'
import { type Started, startBlocking } from '../support/blocked.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const limit = 1000
/** Under load the whole time: the one place where a test is as long as it says. */
const loadFor = 5000

/** Tasks of 5 to 20 ms one after the other, so that the processor never rests. */
const busyBySetImmediate = `const { writeSync } = require('node:fs')
let turn = 0
function work() {
  const until = performance.now() + 5 + (turn++ % 16)
  while (performance.now() < until);
  setImmediate(work)
}
work()
writeSync(1, 'busy')
`
const busyByPromises = `const { writeSync } = require('node:fs')
async function work() {
  for (;;) {
    for (let step = 0; step < 20; step++) {
      const until = performance.now() + 1
      while (performance.now() < until);
      await undefined
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}
work()
writeSync(1, 'busy')
`
const busyByTimers = `const { writeSync } = require('node:fs')
for (let timer = 0; timer < 50; timer++) setInterval(() => {
  const until = performance.now() + 5
  while (performance.now() < until);
}, 1)
writeSync(1, 'busy')
`

const waits = `require('node:fs').writeSync(1, 'blocks')
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
`

interface Watched extends Started {
  readonly watchdog: Watchdog
  readonly blocked: Promise<number>
  readonly pongs: () => number
  readonly fired: () => boolean
}

async function watched(t: TestContext, source: string, clock = systemClock): Promise<Watched> {
  let watchdog: Watchdog | undefined
  let pongs = 0
  let fired = false
  const blocked = Promise.withResolvers<number>()
  const path = temporaryProgram(t, 'program.cjs', source)
  const started = await startBlocking(t, path, 'file', (message) => {
    if (message.type !== 'pong') return
    pongs++
    watchdog?.pong(message.id)
  })
  watchdog = new Watchdog({
    limit,
    clock,
    ping: (id) => started.channel.send({ type: 'ping', id }),
    blocked: (silent) => {
      fired = true
      blocked.resolve(silent)
    },
    look: () => mainThreadOf(started.pid),
  })
  t.after(() => watchdog.close())
  return { ...started, watchdog, blocked: blocked.promise, pongs: () => pongs, fired: () => fired }
}

test('workers that are merely busy are left alone, with more of them than processors', bounded, async (t) => {
  const sources = [busyBySetImmediate, busyByPromises, busyByTimers]
  const workers = await Promise.all(sources.map((source) => watched(t, source)))
  await setTimeout(loadFor)
  for (const worker of workers) {
    const used = mainThreadOf(worker.pid)?.cpu ?? 0
    assert.ok(used > loadFor / 8, `it was busy: ${used} ms`)
    assert.ok(!worker.fired(), 'not blocked')
    assert.ok(worker.pongs() > 4, `it answered ${worker.pongs()} times`)
  }
})

suite('a worker whose loop is blocked is found:', () => {
  const programs: [string, string][] = [
    ['for ever', `require('node:fs').writeSync(1, 'blocks'); for (;;);`],
    [
      'in nextTick',
      `const again = () => process.nextTick(again); again(); require('node:fs').writeSync(1, 'blocks')`,
    ],
    [
      'in promises',
      `(async () => { for (;;) await undefined })(); require('node:fs').writeSync(1, 'blocks')`,
    ],
    [
      'in execSync',
      `require('node:fs').writeSync(1, 'blocks'); require('node:child_process').execSync('exec sleep 3600')`,
    ],
    ['in Atomics.wait', waits],
  ]
  for (const [how, source] of programs) {
    test(how, bounded, async (t) => {
      const worker = await watched(t, source)
      const silent = await worker.blocked
      assert.ok(silent >= limit && silent < limit * 2, `${silent} ms`)
    })
  }
})

test(
  'a worker that is stopped is not blocked; when it goes on and stays silent, it is',
  bounded,
  async (t) => {
    // The time is the test's own, so that much of it passes for the watchdog while the worker is really stopped.
    const clock = new FakeClock()
    const worker = await watched(t, waits, clock)
    const inState = async (state: string) => {
      while (mainThreadOf(worker.pid)?.state !== state) await setImmediate()
    }
    process.kill(worker.pid, 'SIGSTOP')
    await inState('stopped')
    await clock.pass(limit * 1000)
    assert.ok(!worker.fired())
    process.kill(worker.pid, 'SIGCONT')
    await inState('asleep')
    await clock.pass(limit * 2)
    assert.ok(worker.fired())
  },
)
