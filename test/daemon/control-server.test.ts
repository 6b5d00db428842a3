// The control API's streams: who follows and does not read is let go.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import type { Lines } from '../../src/daemon/control/contract.ts'
import { ControlServer, type Handlers } from '../../src/daemon/control/server.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 30_000 }

type Write = (line: Lines['events']) => void

/** A server whose events the test makes, and one client that follows them. */
async function followed(
  t: TestContext,
): Promise<{ answer: IncomingMessage; write: Write; ended: Promise<void> }> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let write: Write = () => assert.fail('nobody follows')
  const handlers: Partial<Handlers> = {
    events(_input, its) {
      write = its
      return end
    },
  }
  const control = new ControlServer(handlers as Handlers, '0') // nothing else is asked for
  const socketPath = join(temporaryFolder(t), 'control.sock')
  control.server.listen(socketPath)
  await once(control.server, 'listening')
  t.after(() => {
    control.server.close()
    control.server.closeAllConnections()
  })
  const asked = request({ socketPath, path: '/v1/events', method: 'POST', agent: false })
  asked.end('{"follow":true}')
  const [answer] = (await once(asked, 'response')) as [IncomingMessage] // what that event comes with
  return { answer, write: (line) => write(line), ended }
}

const line: Lines['events'] = { id: 1, at: 0, type: 'warning', reason: 'x'.repeat(4096) }

suite('who follows events', () => {
  test('is let go when it does not read them', bounded, async (t) => {
    const { answer, write, ended } = await followed(t)
    answer.on('error', () => {}) // it was in the middle of it
    let isOver = false
    void ended.then(() => {
      isOver = true
    })
    for (let sent = 0; sent < 10_000 && !isOver; sent++) {
      write(line)
      await new Promise(setImmediate)
    }
    assert.ok(isOver)
  })

  test('gets them all when it does', bounded, async (t) => {
    const { answer, write } = await followed(t)
    let text = ''
    answer.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    const length = `${JSON.stringify(line)}\n`.length
    for (let sent = 1; sent <= 2000; sent++) {
      write(line)
      if (sent % 100 === 0) while (text.length < sent * length) await once(answer, 'data')
    }
  })
})
