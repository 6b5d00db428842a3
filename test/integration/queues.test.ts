// What `brood show` tells of accept queues, with connections that wait in them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { askAgain } from '../support/ask-again.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'

const bounded = { timeout: 60_000 }
const skip = process.platform !== 'linux'

/** Connections that are established, whether or not anybody has accepted them. */
function connections(t: TestContext, port: number, count: number): Promise<net.Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = net.connect(port, '127.0.0.1')
      t.after(() => socket.destroy())
      await once(socket, 'connect')
      return socket
    }),
  )
}

suite('accept queues', { skip }, () => {
  test('a stopped worker’s shows who waits, and nobody when it goes on', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(program('http.js'), '-w', '1', '--name', 'web')
    const [pid] = pidsOf(report)
    assert.ok(pid !== undefined)
    const limit = Math.min(511, Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1')))
    process.kill(pid, 'SIGSTOP')
    try {
      const waiting = await connections(t, port, 7)
      const { queues, addresses } = await brood.show('web')
      assert.deepEqual(queues, [{ address: addresses[0], slot: 0, waiting: 7, limit, adopter: null }])
      assert.match((await brood.run('show', 'web')).stdout, new RegExp(`^waiting +\\*:${port} +7$`, 'm'))
      process.kill(pid, 'SIGCONT')
      const answers = await Promise.all(waiting.map((socket) => askAgain(socket)))
      assert.deepEqual(new Set(answers.map((answer) => answer.pid)), new Set([pid]))
      assert.match((await brood.run('show', 'web')).stdout, /^waiting +\S+ +nobody$/m)
    } finally {
      process.kill(pid, 'SIGCONT') // or its end would have to wait for the grace period
    }
  })

  test('a full one is called full, by the backlog that the program chose', bounded, async (t) => {
    const brood = Brood.create(t)
    const env = ['--env', 'PORT=0', '--env', 'BACKLOG=4']
    const { report, port } = await brood.start(program('http.js'), '-w', '1', '--name', 'web', ...env)
    const [pid] = pidsOf(report)
    assert.ok(pid !== undefined)
    process.kill(pid, 'SIGSTOP')
    try {
      await connections(t, port, 5) // the kernel lets in one more than it was told
      const { queues } = await brood.show('web')
      assert.deepEqual(
        queues.map(({ waiting, limit }) => ({ waiting, limit })),
        [{ waiting: 5, limit: 4 }],
      )
      const { stdout } = await brood.run('show', 'web')
      assert.match(stdout, /slot 0: is full, further clients are not even answered \(5 of 4\)/)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })

  test('a stopped worker’s is emptied by its sibling, which is told', bounded, async (t) => {
    const brood = Brood.create(t)
    const { report, port } = await brood.start(program('http.js'), '-w', '2', '--name', 'web')
    const [first, second] = pidsOf(report)
    assert.ok(first !== undefined && second !== undefined)
    process.kill(first, 'SIGSTOP')
    try {
      const clients = await connections(t, port, 30)
      const answers = await Promise.all(clients.map((socket) => askAgain(socket)))
      assert.deepEqual(new Set(answers.map(({ pid }) => pid)), new Set([second]))
      const shown = await brood.show('web')
      assert.deepEqual(
        shown.queues.map(({ slot, waiting, adopter }) => ({ slot, waiting, adopter })),
        [
          { slot: 0, waiting: 0, adopter: 1 },
          { slot: 1, waiting: 0, adopter: null },
        ],
      )
      const { stdout } = await brood.run('show', 'web')
      assert.match(stdout, /slot 0: slot 1 accepts in its place/)
      assert.match(stdout, /blocked/)
      for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
    } finally {
      process.kill(first, 'SIGCONT')
    }
    while ((await brood.show('web')).queues.some(({ adopter }) => adopter !== null)) t.signal.throwIfAborted()
  })

  test('of a shared address is one, and of a unix socket none', bounded, async (t) => {
    const brood = Brood.create(t)
    await brood.start(program('http.js'), '-w', '2', '--name', 'web', '--share', 'shared')
    const { queues } = await brood.show('web')
    assert.deepEqual(
      queues.map(({ slot, waiting }) => ({ slot, waiting })),
      [{ slot: null, waiting: 0 }],
    )
    const socket = `${brood.home}/app.sock`
    await brood.launch(program('unix-socket.js'), '--name', 'unix', '--env', `SOCKET=${socket}`)
    assert.deepEqual((await brood.show('unix')).queues, [])
    assert.doesNotMatch((await brood.run('show', 'unix')).stdout, /waiting/)
  })
})
