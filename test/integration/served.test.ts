// Workers count the requests they answer from the moment on that somebody asks, each its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServedReport } from '../../src/supervisor/served-report.ts'
import { get } from '../fixtures/get.ts'
import { Brood } from '../support/brood.ts'
import { post } from '../support/control-socket.ts'
import { temporaryProgram } from '../support/temporary.ts'

const timeout = 60_000

const server = `
  const http = require('node:http')
  http.createServer((request, response) => {
    response.statusCode = request.url === '/bad' ? 503 : 200
    response.setHeader('x-pid', process.pid)
    response.end('{}')
  }).listen(0)
`

test('served tells what each worker has answered since it was first asked, and how badly', {
  timeout,
}, async (t) => {
  const brood = Brood.create(t)
  const { report, port } = await brood.start(
    temporaryProgram(t, 'web.cjs', server),
    '--name',
    'web',
    '-w',
    '2',
  )
  const ask = (path: string): ReturnType<typeof get> => get({ port, path, signal: t.signal })
  await ask('/')
  const pids = report.workers.map(({ slot, pid }) => ({ slot, pid }))
  assert.deepEqual(
    await served(brood.home),
    pids.map((who) => ({ ...who, requests: 0, errors: 0 })),
  )
  const expected = new Map<number | null, { requests: number; errors: number }>()
  for (const path of ['/', '/bad', '/', '/bad', '/bad', '/', '/', '/']) {
    const { pid } = await ask(path)
    const { requests, errors } = expected.get(pid) ?? { requests: 0, errors: 0 }
    expected.set(pid, { requests: requests + 1, errors: path === '/bad' ? errors + 1 : errors })
  }
  assert.deepEqual(
    await served(brood.home),
    pids.map((who) => ({ ...who, ...(expected.get(who.pid) ?? { requests: 0, errors: 0 }) })),
  )
})

test('a program that is not for Node says nothing, and who asks need not wait', { timeout }, async (t) => {
  const brood = Brood.create(t)
  const script = temporaryProgram(t, 'sleeps.sh', 'exec sleep 1000\n')
  const started = await brood.run('start', script, '--name', 'web', '--ready', 'spawn', '--json')
  assert.equal(started.code, 0, started.stdout)
  assert.deepEqual(await served(brood.home), [])
})

test('an app that is not there is an error', { timeout }, async (t) => {
  const brood = Brood.create(t)
  await brood.run('start')
  const { status, body } = await post(brood.home, 'served', '{"app":"web"}')
  assert.equal(status, 404, body)
})

async function served(home: string): Promise<ServedReport[]> {
  const { status, body } = await post(home, 'served', '{"app":"web"}')
  assert.equal(status, 200, body)
  return JSON.parse(body)
}
