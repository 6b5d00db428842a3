// A worker whose supervisors end one after the other: it looks for the next one at once, unless they do not want it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { HeldSockets } from '../../src/worker/held-sockets.ts'
import { WayBack } from '../../src/worker/way-back.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 20_000 }
const supervisors = 8

/** The longest wait between supervisors of which each ends right after the worker has found it, in milliseconds. */
async function longestWait(t: TestContext, { takesIt }: { takesIt: boolean }): Promise<number> {
  const folder = temporaryFolder(t)
  const line = join(folder, 'line')
  const server = createServer((socket) => socket.destroy()).listen(line)
  t.after(() => server.close())
  await once(server, 'listening')
  const waits: number[] = []
  const { setTimeout: wait } = globalThis
  t.mock.method(globalThis, 'setTimeout', (then: () => void, milliseconds: number) => {
    waits.push(milliseconds)
    return wait(then, 0)
  })
  const rescue = {
    ...{ line, token: '', command: [], env: {}, rank: 0 },
    log: join(folder, 'log'),
    claim: join(folder, 'claim'),
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  let found = 0
  const wayBack = new WayBack(rescue, new HeldSockets([]), {
    isLeaving: () => false,
    found(socket) {
      if (takesIt) wayBack.welcomed()
      socket.on('error', () => {})
      socket.resume().once('close', () => {
        if (++found < supervisors) wayBack.lost()
        else resolve()
      })
    },
  })
  wayBack.lost()
  await promise
  return Math.max(0, ...waits)
}

test(
  'supervisors that have taken it and are killed, however soon, keep it waiting no longer',
  bounded,
  async (t) => {
    assert.ok((await longestWait(t, { takesIt: true })) < 100)
  },
)

test(
  'supervisors that do not take it are left in peace for a second, after a few tries',
  bounded,
  async (t) => {
    assert.equal(await longestWait(t, { takesIt: false }), 1000)
  },
)
