// Children that talk to each other directly, after their parent has introduced them.
import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { suite } from 'node:test'
import { fork, introduce, peer, spawn } from '../../src/process/index.ts'
import { processTest, programPath } from '../support/process/process-test.ts'
import { rejectsWith } from '../support/process/rejects-with.ts'
import type { Talk } from './programs/talk.ts'

const talks = programPath('talks.ts')

suite('two introduced children', () => {
  processTest('talk in both directions, and their parent holds nothing of it', async () => {
    await using left = fork<Talk>(talks)
    await using right = fork<Talk>(talks)
    await Promise.all([left.request('echo', 0), right.request('echo', 0)])
    const before = sockets()
    await introduce(left, right, { names: ['left', 'right'] })
    assert.deepEqual(sockets(), before)
    const [fromLeft, fromRight] = [left.messages(), right.messages()]
    await Promise.all([left.request('meet', 'right'), right.request('meet', 'left')])
    await left.request('tell', 'ping one')
    assert.equal((await fromLeft.next()).value?.message, 'pong one')
    await right.request('tell', 'ping two')
    assert.equal((await fromRight.next()).value?.message, 'pong two')
  })

  processTest('may ask for each other before they are introduced', async () => {
    await using left = fork<Talk>(talks)
    await using right = fork<Talk>(talks)
    const met = [left.request('meet', 'right'), right.request('meet', 'left')]
    await Promise.all([left.request('echo', 0), right.request('echo', 0)])
    await introduce(left, right, { names: ['left', 'right'] })
    assert.deepEqual(await Promise.all(met), ['met', 'met'])
  })

  processTest('go on when their parent has let them go', async () => {
    await using left = fork<Talk>(talks)
    await using right = fork<Talk>(talks)
    await introduce(left, right, { names: ['left', 'right'] })
    await Promise.all([left.request('meet', 'right'), right.request('meet', 'left')])
    right.disconnect()
    await right.disconnected
    const messages = left.messages()
    await left.request('tell', 'ping')
    assert.equal((await messages.next()).value?.message, 'pong')
  })

  processTest('see each other’s death', async () => {
    await using left = fork<Talk>(talks)
    await using right = fork<Talk>(talks)
    await introduce(left, right, { names: ['left', 'right'] })
    await Promise.all([left.request('meet', 'right'), right.request('meet', 'left')])
    const messages = left.messages()
    await right.kill()
    assert.equal((await messages.next()).value?.message, 'right is gone')
    const error = await rejectsWith('handler_failed', left.request('tell', 'still there?'))
    assert.match(error.message, /'right' has ended or closed the channel/)
  })

  processTest('are not introduced when one is dead, and the other sees that nobody is there', async () => {
    await using left = fork<Talk>(talks)
    await using right = fork<Talk>(talks)
    await right.kill()
    await right.disconnected
    await rejectsWith('channel_closed', introduce(left, right, { names: ['left', 'right'] }))
    const messages = left.messages()
    assert.equal(await left.request('meet', 'right'), 'met')
    assert.equal((await messages.next()).value?.message, 'right is gone')
  })

  processTest('must be two, with two names, and with channels', async () => {
    await using left = fork<Talk>(talks)
    await using cat = spawn('cat')
    await rejectsWith('usage', introduce(left, left, { names: ['left', 'right'] }))
    await rejectsWith('usage', introduce(left, cat, { names: ['same', 'same'] }))
    await rejectsWith('no_channel', introduce(left, cat, { names: ['left', 'cat'] }))
    await rejectsWith('no_channel', peer('anybody')) // of this process, which has no parent
  })
})

/** The sockets that this process holds. */
function sockets(): string[] {
  return readdirSync('/proc/self/fd')
    .map((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`)
      } catch {
        return '' // the descriptor of this very look
      }
    })
    .filter((target) => target.startsWith('socket:'))
    .sort()
}
