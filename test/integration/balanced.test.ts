// Share mode `balanced` alone: a worker that stands still holds nobody up, weights count, and what cannot be balanced is refused.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AppReport } from '../../src/supervisor/report.ts'
import { get } from '../fixtures/get.ts'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'

const bounded = { timeout: 60_000 }

test('a stopped worker keeps one connection at the most, and when it dies another worker gets that too', {
  ...bounded,
}, async (t) => {
  const brood = Brood.create(t)
  const flags = ['--share', 'balanced', '-w', '2', '--name', 'web']
  const { report, port } = await brood.start(program('http.js'), ...flags)
  const [stopped, other] = pidsOf(report)
  assert.ok(stopped !== undefined && other !== undefined)
  process.kill(stopped, 'SIGSTOP')
  const requests = Array.from({ length: 20 }, () => get({ port, timeout: 30_000, signal: t.signal }))
  let answered = 0
  const all = requests.map(async (request) => {
    const { pid } = await request
    answered++
    return pid
  })
  await new Promise<void>((resolve, reject) => {
    for (const one of all)
      one.then(() => {
        if (answered === 19) resolve()
      }, reject)
  })
  const { workers } = await brood.show('web')
  assert.deepEqual(
    workers.map(({ pid }) => pid),
    [stopped, other],
    'nobody has been replaced yet',
  )
  process.kill(stopped, 'SIGKILL')
  const pids = await Promise.all(all)
  assert.ok(pids.every((pid) => pid !== stopped))
})

test('weights by slot, in a configuration file', bounded, async (t) => {
  const brood = Brood.create(t)
  const file = join(brood.home, 'brood.config.json')
  const balance = { algorithm: 'weighted', weights: [3, 1] }
  const app = { name: 'tcp', script: program('raw-tcp.js'), workers: 2, env: { PORT: '0' }, balance }
  writeFileSync(file, JSON.stringify({ apps: [app] }))
  await brood.json('start', file)
  const [report] = await brood.json<AppReport[]>('list')
  assert.ok(report)
  assert.match((await brood.run('show', 'tcp')).stdout, /share mode balanced, weighted, weights 3 1/)
  const sockets: net.Socket[] = []
  const counts = new Map<number, number>()
  for (let turn = 0; turn < 40; turn++) {
    const socket = net.connect(portOf(report), '127.0.0.1')
    sockets.push(socket)
    const [greeting] = await once(socket, 'data')
    const pid = Number(/^pid (\d+)\n$/.exec(String(greeting))?.[1])
    counts.set(pid, (counts.get(pid) ?? 0) + 1)
  }
  // Their workers would stay for them for the whole grace period.
  for (const socket of sockets) socket.destroy()
  assert.deepEqual(
    pidsOf(report).map((pid) => counts.get(pid)),
    [30, 10],
  )
})

test('programs of other languages, and an algorithm in another mode, are refused', bounded, async (t) => {
  const brood = Brood.create(t)
  const script = join(brood.home, 'app.sh')
  writeFileSync(script, 'sleep 60\n')
  assertRefused(await brood.run('start', script, '--share', 'balanced'), 2, /--share/, /Node/, /'shared'/)
  assertRefused(
    await brood.run('start', program('http.js'), '--share', 'slots', '--balance', 'ip-hash'),
    2,
    /--balance/,
    /'balanced'/,
    /'slots'/,
  )
  assertRefused(
    await brood.run('start', program('http.js'), '--balance', 'fair'),
    2,
    /--balance/,
    /round-robin/,
  )
})
