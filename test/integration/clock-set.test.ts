// Somebody sets the clock of the machine while a reload goes on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import { Brood, program } from '../support/brood.ts'
import { ownSupervisor } from '../support/own-supervisor.ts'

const setsClock = fileURLToPath(new URL('../fixtures/sets-clock.cjs', import.meta.url))

test('a clock that is set forward cuts no drain short', { timeout: 60_000 }, async (t) => {
  const brood = Brood.create(t)
  const supervisor = await ownSupervisor(t, brood.home, { NODE_OPTIONS: `--require=${setsClock}` })
  const { port } = await brood.start(program('http.js'), '--name', 'web', '--grace', '50s')
  const headers = { 'content-length': 1, expect: '100-continue' }
  const upload = request({ host: '127.0.0.1', port, path: '/upload', method: 'POST', headers, agent: false })
  upload.flushHeaders()
  await once(upload, 'continue', { signal: t.signal })
  const reloaded = brood.run('reload', 'web')
  await brood.waitForWorker('web', 'draining')
  supervisor.kill('SIGUSR2')
  // Something happens to the app, so that its deadlines are looked at.
  const successor = await brood.waitForWorker('web', 'ready')
  process.kill(successor, 'SIGKILL')
  await brood.event(({ type, pid }) => type === 'worker-exited' && pid === successor)
  const { uptime } = await brood.json<SupervisorReport>('show')
  assert.ok(uptime < 60_000, `${uptime} ms`)
  upload.end('x')
  const [answer] = (await once(upload, 'response', { signal: t.signal })) as [IncomingMessage]
  assert.equal(answer.statusCode, 200)
  answer.resume()
  assert.equal((await reloaded).code, 0)
})

test('an app waits for another service as long as it may, though the clock is set forward', {
  timeout: 60_000,
}, async (t) => {
  const brood = Brood.create(t)
  const supervisor = await ownSupervisor(t, brood.home, { NODE_OPTIONS: `--require=${setsClock}` })
  let status = 503
  const service = createServer((_request, response) => response.writeHead(status).end())
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => service.close())
  const { port } = service.address() as AddressInfo
  const on = ['--depends-on', `http://127.0.0.1:${port}/`, '--ready-timeout', '50s', '--env', 'PORT=0']
  const started = brood.run('start', program('http.js'), '--name', 'web', ...on)
  await once(service, 'request', { signal: t.signal })
  supervisor.kill('SIGUSR2')
  await brood.json<SupervisorReport>('show')
  for (const _ of [1, 2, 3]) await Promise.race([once(service, 'request', { signal: t.signal }), started])
  status = 200
  const ran = await started
  assert.equal(ran.code, 0, ran.stderr)
})
