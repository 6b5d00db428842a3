// An idle keep-alive connection goes on in another process, and behaves there as if nothing had happened.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { Brood, pidsOf, program } from '../support/brood.ts'

/** Asks on an open connection and reads until `end` appears in the answer. */
async function ask(socket: Socket, path: string, end: string): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`)
  let text = ''
  while (!text.includes(end)) {
    const chunk = socket.read()
    if (chunk === null) await once(socket, 'readable')
    else text += chunk
  }
  return text
}

async function open(t: { after(end: () => void): void }, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

function pidIn(answer: string): number {
  return Number(/^x-pid: (\d+)/im.exec(answer)?.[1])
}

test('a connection survives several reloads and is answered by each new worker', async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
  const socket = await open(t, port)
  const answered = [pidIn(await ask(socket, '/env', '\r\n\r\n{'))]
  for (let round = 0; round < 3; round++) {
    assert.equal((await brood.run('reload', 'web')).code, 0)
    socket.read()
    const pid = pidIn(await ask(socket, '/env', '\r\n\r\n{'))
    const [web] = await brood.list()
    assert.ok(pidsOf(web).includes(pid), `${pid} answered, but the workers are ${pidsOf(web)}`)
    answered.push(pid)
  }
  assert.equal(new Set(answered).size, 4)
})

test('a connection on which nothing was ever asked survives two reloads', async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(program('http.js'), '-w', '1', '--name', 'web')
  const socket = await open(t, port)
  for (let round = 0; round < 2; round++) assert.equal((await brood.run('reload', 'web')).code, 0)
  const [web] = await brood.list()
  assert.deepEqual(pidsOf(web), [pidIn(await ask(socket, '/env', '\r\n\r\n{'))])
})

test('connections that reach a worker which has just closed its server go on in another one', {
  timeout: 60_000,
}, async (t) => {
  const brood = Brood.create(t)
  const flags = ['-w', '3', '--watchdog', 'off', '--name', 'web']
  const { report, port } = await brood.start(program('closes-and-blocks.js'), ...flags)
  const [closing, staying, leaving] = pidsOf(report)
  const held: Socket[] = []
  let toClose: Socket | undefined
  while (held.length < 6 || toClose === undefined) {
    const socket = await open(t, port)
    const pid = pidIn(await ask(socket, '/', '{}'))
    if (pid === leaving) held.push(socket)
    else if (pid === closing) toClose = socket
  }
  await ask(toClose, '/close?ms=2500', '\r\n\r\n')
  // Of those that leave, half go to the worker that has closed its server, and cannot say so yet.
  assert.equal((await brood.run('scale', 'web', '2')).code, 0)
  const answers = await Promise.all(held.map((socket) => ask(socket, '/', '{}')))
  assert.deepEqual(
    answers.map(pidIn),
    held.map(() => staying),
  )
})

test('a busy connection is told to close by its answer, and the answer is whole', async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(program('http.js'), '-w', '1', '--name', 'web')
  const socket = await open(t, port)
  await ask(socket, '/env', '\r\n\r\n{')
  socket.read()
  // The first half of a request: the connection is busy from now on, and cannot move.
  socket.write('GET /stream HTTP/1.1\r\nHos')
  const reloaded = brood.run('reload', 'web')
  const replaced = await brood.waitForWorker('web', 'draining')
  let answer = ''
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text
  })
  socket.write('t: test\r\n\r\n')
  await once(socket, 'end')
  assert.equal((await reloaded).code, 0)
  assert.equal(pidIn(answer), replaced)
  assert.match(answer, /^connection: close/im)
  assert.match(answer, /\r\n0\r\n\r\n$/)
})
