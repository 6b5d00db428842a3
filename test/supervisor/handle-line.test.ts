// Several connections at once are under way to a child, and of each is told, in order, whether it has arrived.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { HandleLine } from '../../src/supervisor/handle-line.ts'
import { type BareHandle, bareHandleOf } from '../../src/wire/bare-handle.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 20_000 }
const program = fileURLToPath(new URL('../fixtures/takes-handles.js', import.meta.url))

class Receiver {
  readonly process: ChildProcess
  readonly line: HandleLine
  /** What became of each handle, by its name. */
  readonly told: [string, boolean][] = []
  #awaited = Infinity
  readonly #all = Promise.withResolvers<void>()

  constructor(t: TestContext) {
    this.process = fork(program)
    this.line = new HandleLine(this.process)
    this.process.once('disconnect', () => this.line.end())
    t.after(async () => {
      if (this.process.exitCode !== null || this.process.signalCode !== null) return
      this.process.kill('SIGKILL')
      await once(this.process, 'exit')
    })
  }

  send(name: string, handle: BareHandle | net.Socket): void {
    const sent = this.line.send({}, handle, (arrived) => {
      if (this.told.push([name, arrived]) === this.#awaited) this.#all.resolve()
    })
    assert.ok(sent)
  }

  /** Settles when it has been told of so many handles what became of them. */
  async allTold(count: number): Promise<void> {
    this.#awaited = count
    if (this.told.length < count) await this.#all.promise
  }

  /** From then on it reads nothing. */
  async standStill(): Promise<void> {
    this.process.send({ standStill: true })
    await once(this.process, 'message')
  }

  /** Has it write that file when it has got so many connections. */
  async countTo(connections: number, file: string): Promise<void> {
    this.process.send({ connections, file })
    await once(this.process, 'message')
  }
}

/** Waits without a turn of this process's own loop; false when the file is not there in time. */
function awaitStandingStill(file: string): boolean {
  const still = new Int32Array(new SharedArrayBuffer(4))
  const deadline = performance.now() + 10_000
  while (!existsSync(file)) {
    if (performance.now() > deadline) return false
    Atomics.wait(still, 0, 0, 5)
  }
  return true
}

/** Connections as a supervisor has them: bare handles of their own; and their clients. */
async function connect(t: TestContext, count: number) {
  const server = net.createServer({ pauseOnConnect: true })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const clients: net.Socket[] = []
  const handles: BareHandle[] = []
  for (let index = 0; index < count; index++) {
    const client = net.connect(address.port, '127.0.0.1')
    const [connection] = await once(server, 'connection')
    const handle = bareHandleOf(connection)
    assert.ok(handle !== undefined)
    handles.push(handle)
    clients.push(client)
    t.after(() => {
      client.destroy()
      connection.destroy()
    })
  }
  t.after(() => server.close())
  return { handles, clients }
}

test('all that are sent arrive before any acknowledgement is read', bounded, async (t) => {
  const file = join(temporaryFolder(t), 'all')
  const receiver = new Receiver(t)
  const { handles, clients } = await connect(t, 6)
  await receiver.countTo(6, file)
  for (const [index, handle] of handles.entries()) receiver.send(`${index}`, handle)
  assert.ok(awaitStandingStill(file))
  assert.deepEqual(receiver.told, [])
  await receiver.allTold(6)
  assert.deepEqual(
    receiver.told,
    handles.map((_, index) => [`${index}`, true]),
  )
  for (const handle of handles) handle.close() // the sender's copy, without which the client sees no end
  assert.deepEqual(
    await Promise.all(clients.map((client) => text(client))),
    Array(6).fill(`${receiver.process.pid}\n`),
  )
})

test(
  'of a child that dies before it looks, nothing is lost: all can be sent to another',
  bounded,
  async (t) => {
    const [first, second] = [new Receiver(t), new Receiver(t)]
    const { handles, clients } = await connect(t, 3)
    await first.standStill()
    for (const [index, handle] of handles.entries()) first.send(`${index}`, handle)
    first.process.kill('SIGKILL')
    await once(first.process, 'disconnect')
    assert.deepEqual(first.told, [
      ['0', false],
      ['1', false],
      ['2', false],
    ])
    for (const [index, handle] of handles.entries()) second.send(`${index}`, handle)
    await second.allTold(3)
    for (const handle of handles) handle.close()
    assert.deepEqual(
      await Promise.all(clients.map((client) => text(client))),
      Array(3).fill(`${second.process.pid}\n`),
    )
  },
)

test('a socket that was closed meanwhile takes no acknowledgement from the next', bounded, async (t) => {
  const receiver = new Receiver(t)
  const { handles } = await connect(t, 1)
  const [handle] = handles
  assert.ok(handle !== undefined)
  await receiver.standStill()
  receiver.send('closed', new net.Socket().destroy())
  receiver.send('open', handle)
  receiver.process.kill('SIGKILL')
  await once(receiver.process, 'disconnect')
  assert.deepEqual(receiver.told, [
    ['closed', true],
    ['open', false],
  ])
})

test('to a child whose line has ended nothing can be sent', bounded, async (t) => {
  const receiver = new Receiver(t)
  const { handles } = await connect(t, 1)
  const [handle] = handles
  assert.ok(handle !== undefined)
  receiver.process.kill('SIGKILL')
  await once(receiver.process, 'disconnect')
  assert.equal(
    receiver.line.send({}, handle, () => assert.fail('nobody is told')),
    false,
  )
})
