// More and fewer workers under load: nobody notices, and what would be too many or too few is refused.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import type { AppReport } from '../../src/supervisor/report.ts'
import { askAgain } from '../support/ask-again.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { startLoad } from '../support/load/index.ts'

const bounded = { timeout: 60_000 }

test('scaling up and down under load fails no request', bounded, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
  const load = startLoad({
    port,
    signal: t.signal,
    kinds: {
      keepAliveBusy: { clients: 4, pause: 5 },
      keepAliveIdle: { clients: 10, idleFrom: 20, idleTo: 200 },
      short: { clients: 3, pause: 2 },
      stream: { clients: 2 },
    },
  })
  await load.until(({ total }) => pidsOf(report).every((pid) => total.pids.has(pid)))
  const sizes = [
    ['4', 4],
    ['-2', 2],
    ['+1', 3],
    ['1', 1],
    ['2', 2],
  ] as const
  let before = pidsOf(report)
  for (const [change, size] of sizes) {
    const scaled = await brood.json<AppReport>('scale', 'web', change)
    const pids = pidsOf(scaled)
    assert.deepEqual([scaled.size, scaled.status, pids.length], [size, 'running', size], change)
    const kept = Math.min(size, before.length)
    assert.deepEqual(pids.slice(0, kept), before.slice(0, kept), `${change} replaces nobody`)
    await load.until(({ total }) => pids.every((pid) => total.pids.has(pid)))
    before = pids
  }
  const { total, examples } = await load.stop()
  assert.deepEqual(examples, [])
  assert.equal(total.failures, 0)
})

test('idle connections of a removed slot go on in a sibling', bounded, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
  const [stays, goes] = pidsOf(report)
  const sockets = Array.from({ length: 40 }, () => net.connect(port, '127.0.0.1'))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  // On every other one nothing has been asked yet, which is another case than being idle between two requests.
  const asked = sockets.filter((_, index) => index % 2 === 0)
  const first = await Promise.all(asked.map((socket) => askAgain(socket)))
  assert.ok(
    first.some(({ pid }) => pid === goes),
    'the slot to be removed has connections',
  )
  const ran = await brood.run('scale', 'web', '1')
  assert.equal(ran.code, 0, ran.stderr)
  assert.deepEqual(pidsOf((await brood.list())[0]), [stays])
  const second = await Promise.all(sockets.map((socket) => askAgain(socket)))
  assert.deepEqual(new Set(second.map(({ pid }) => pid)), new Set([stays]))
  assert.ok(
    second.every(({ closes }) => !closes),
    'none is told to reconnect',
  )
})

test('the queue of a removed slot is served by a sibling, and given back when the slot returns', {
  ...bounded,
}, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('raw-tcp.js'), '-w', '2', '--name', 'tcp')
  const [first] = pidsOf(report)
  const scaled = await brood.json<AppReport>('scale', 'tcp', '1')
  assert.deepEqual(
    scaled.workers.map(({ pid, adopted }) => ({ pid, adopted })),
    [{ pid: first, adopted: [1] }],
  )
  assert.deepEqual(await greeters(port), new Set([first]))
  const back = await brood.json<AppReport>('scale', 'tcp', '2')
  assert.deepEqual(
    back.workers.map(({ adopted }) => adopted),
    [[], []],
  )
  assert.deepEqual(await greeters(port), new Set(pidsOf(back)))
})

test('no workers, or more than --max-workers, is a usage error that changes nothing', bounded, async (t) => {
  const brood = Brood.create(t)
  const flags = ['-w', '2', '--max-workers', '3', '--name', 'web']
  const { report } = await brood.start(program('http.js'), ...flags)
  for (const change of ['4', '+2', '1024']) {
    assertRefused(await brood.run('scale', 'web', change), 2, /'web'/, /at most 3 workers/, /--max-workers/)
  }
  for (const change of ['0', '-2', '-5']) {
    assertRefused(await brood.run('scale', 'web', change), 2, /'web'/, /1 is the least/, /brood stop/)
  }
  const [web] = await brood.list()
  assert.deepEqual([web?.size, pidsOf(web)], [2, pidsOf(report)])
  assert.equal((await brood.json<AppReport>('scale', 'web', '3')).size, 3, 'the most is allowed')
})

/** Who greets on sixty connections, so many that every queue gets some. */
async function greeters(port: number): Promise<Set<number>> {
  const sockets = Array.from({ length: 60 }, () => net.connect(port, '127.0.0.1'))
  try {
    const greetings = await Promise.all(sockets.map((socket) => once(socket, 'data')))
    return new Set(greetings.map(([greeting]) => Number(/^pid (\d+)\n$/.exec(String(greeting))?.[1])))
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

test(
  'a size that was asked for is that of a next supervisor too, though a worker has failed',
  bounded,
  async (t) => {
    const brood = Brood.create(t)
    const flags = ['BEHAVIOUR=crash', 'BAD_SLOT=1', 'PORT=0'].flatMap((variable) => ['--env', variable])
    await brood.start(program('as-told.js'), '--name', 'web', '--intensity', '0', ...flags)
    assertRefused(await brood.run('scale', 'web', '2'), 4, /web\/1 .*; its size is 2 all the same/)
    await brood.replaced(await brood.killSupervisor())
    assert.equal((await brood.show('web')).size, 2)
  },
)
