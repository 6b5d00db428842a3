// Upgraded connections in a reload: they cannot move, so they stay with their worker for as long as its grace period lasts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import type { HistoryEvent } from '../../src/daemon/event.ts'
import { askWebSocket } from '../support/ask.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const graceUnlessSet = 10_000

async function open(t: { after(end: () => void): void }, port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  t.after(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

async function echo(socket: WebSocket, text: string): Promise<string> {
  const answered = once(socket, 'message')
  socket.send(text)
  const [message] = await answered
  return String(message)
}

/** Milliseconds from the new worker's readiness, which is when the old one's time begins to run, to the old one's end. */
function timeOfOld(events: readonly HistoryEvent[], old: number): number {
  const exited = events.find(({ type, pid }) => type === 'worker-exited' && pid === old)
  const ready = events.findLast(({ type, pid }) => type === 'worker-ready' && pid !== old)
  assert.ok(exited !== undefined && ready !== undefined, JSON.stringify(events))
  return exited.at - ready.at
}

test('a WebSocket goes on in its worker while a reload waits for it, and ends with the grace period', {
  ...bounded,
}, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(program('ws.js'), '--name', 'chat', '--grace', '2s')
  const [old] = pidsOf(report)
  assert.ok(old)
  const socket = await open(t, port)
  const closed = once(socket, 'close')
  assert.equal(await echo(socket, 'before'), 'before')
  const reloaded = brood.run('reload', 'chat')
  assert.equal(await brood.waitForWorker('chat', 'draining'), old)
  // Two round trips: in between the old worker's event loop has turned, so it has heard that it is to drain.
  for (const text of ['while it drains', 'and once more']) assert.equal(await echo(socket, text), text)
  const answerers = new Set<number>()
  for (let asked = 0; asked < 5; asked++) answerers.add(await askWebSocket(port)(t.signal))
  const ran = await reloaded
  assert.equal(ran.code, 0, ran.stderr)
  assert.deepEqual([...answerers], pidsOf((await brood.list())[0]), 'who answers new connections')
  assert.equal(brood.processes().includes(old), false)
  assert.equal((await closed)[0], 1006, 'cut, because the program has no way to say goodbye')
  const events = await brood.events()
  const took = timeOfOld(events, old)
  // SIGTERM comes at 80 %; a few milliseconds less, because the two times are rounded apart.
  assert.ok(took >= 1600 - 5, `it ended after ${took} ms already`)
  assert.ok(took < graceUnlessSet, `it ended only after ${took} ms`)
})

test('a WebSocket of a worker that ignores SIGTERM ends with the grace period, too', bounded, async (t) => {
  const brood = Brood.create(t)
  const script = temporaryProgram(
    t,
    'stubborn.mjs',
    `import '${program('ws.js')}'
    process.on('SIGTERM', () => {})`,
  )
  const { report, port } = await brood.start(script, '--name', 'chat', '--grace', '1s')
  const [old] = pidsOf(report)
  assert.ok(old)
  const socket = await open(t, port)
  const closed = once(socket, 'close')
  const ran = await brood.run('reload', 'chat')
  assert.equal(ran.code, 0, ran.stderr)
  assert.equal(brood.processes().includes(old), false)
  assert.equal((await closed)[0], 1006)
  const events = await brood.events()
  const killed = events.find(({ type }) => type === 'worker-killed')
  assert.equal(killed?.pid, old)
  assert.match(killed.reason ?? '', /after its grace period of 1s$/)
  const took = timeOfOld(events, old)
  assert.ok(took >= 1000 - 5, `it was killed after ${took} ms already`)
  assert.ok(took < graceUnlessSet, `it was killed only after ${took} ms`)
})

test(
  'a drain hook closes its WebSockets with code 1001, and the old worker goes at once',
  bounded,
  async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(program('drain-hook.js'), '--name', 'chat', '--grace', '30s')
    const [old] = pidsOf(report)
    assert.ok(old)
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    t.after(() => socket.terminate())
    assert.equal(String((await once(socket, 'message'))[0]), `pid ${old}`)
    const closed = once(socket, 'close')
    const ran = await brood.run('reload', 'chat')
    assert.equal(ran.code, 0, ran.stderr)
    const [code, reason] = await closed
    assert.deepEqual([code, String(reason)], [1001, 'going away'])
    assert.equal(brood.processes().includes(old), false)
    const took = timeOfOld(await brood.events(), old)
    assert.ok(took < 24_000, `after ${took} ms it was SIGTERM that ended it`)
  },
)
