// How new connections are spread over the workers: no worker gets far more than its share.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'

const connections = 400
const workers = 4

/** Of the mean, the most that one worker may get. By hash, chance alone makes this of it less than once in a million runs. */
const bounds = { slots: 1.5, balanced: 1.02 }

for (const [mode, bound] of Object.entries(bounds)) {
  const most = (bound * connections) / workers
  test(`${mode}: of ${connections} connections opened at once, the busiest of ${workers} workers has at most ${most}`, {
    timeout: 60_000,
  }, async (t) => {
    const brood = Brood.create(t)
    const flags = ['--share', mode, '-w', `${workers}`, '--name', 'tcp']
    const { report, port } = await brood.start(program('raw-tcp.js'), ...flags)
    const sockets = Array.from({ length: connections }, () => net.connect(port, '127.0.0.1'))
    // All are kept open until the last has its greeting, so that each of them is one more for its worker.
    const greetings = await Promise.all(
      sockets.map((socket) => once(socket, 'data', { signal: t.signal })),
    ).finally(() => {
      for (const socket of sockets) socket.destroy()
    })
    const share = new Map(pidsOf(report).map((pid) => [pid, 0]))
    for (const [greeting] of greetings) {
      const pid = Number(/^pid (\d+)\n$/.exec(String(greeting))?.[1])
      share.set(pid, (share.get(pid) ?? 0) + 1)
    }
    assert.equal(share.size, workers, `${[...share.keys()]} answered, the workers are ${pidsOf(report)}`)
    const counts = [...share.values()]
    assert.ok(Math.max(...counts) <= most, `the shares are ${counts}`)
  })
}
