// Messages and requests between a parent and a forked child, with everything that can go wrong on their way.
import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { fork, HandlerError, spawn } from '../../src/process/index.ts'
import { gone, processTest, programPath } from '../support/process/process-test.ts'
import { rejectsWith, throwsWith } from '../support/process/rejects-with.ts'
import type { Talk } from './programs/talk.ts'

const talks = programPath('talks.ts')
const bare = programPath('bare.js')

suite('a forked child', () => {
  processTest('answers requests, many at a time', async () => {
    await using child = fork<Talk>(talks)
    const values = [1, 'text', null, true, { deep: [{ ü: '漢' }] }, []]
    assert.deepEqual(await Promise.all(values.map((value) => child.request('echo', value))), values)
    assert.equal(await child.request('echo', undefined), undefined)
  })

  processTest('asks its parent', async () => {
    await using child = fork<Talk>(talks)
    child.answer('double', (value) => value * 2)
    assert.equal(await child.request('ask', 21), 42)
  })

  processTest('gives errors of a handler back with their type and message', async () => {
    await using child = fork<Talk>(talks)
    const error = await rejectsWith('handler_failed', child.request('fail', 'too far'))
    assert.ok(error instanceof HandlerError)
    assert.match(error.message, /^the handler of 'fail' threw RangeError: too far$/)
    assert.equal(error.remote.code, 'E_TEST')
    assert.match(error.remote.stack ?? '', /talks\.ts/)
    assert.equal(await child.request('echo', 'still there'), 'still there')
  })

  processTest('says what it answers when asked for something else', async () => {
    await using child = fork(talks)
    await child.request('echo', 0)
    const error = await rejectsWith('no_handler', child.request('missing', 1))
    assert.match(error.message, /nothing answers 'missing'; answered are: echo, fail, /)
  })

  processTest('that cannot send its answer says so', async () => {
    await using child = fork<Talk>(talks)
    const error = await rejectsWith('message_invalid', child.request('unanswerable', null))
    assert.match(error.message, /BigInt/)
  })

  processTest('has its handler aborted when nobody waits any more', async () => {
    await using child = fork<Talk>(talks)
    const messages = child.messages()
    const control = new AbortController()
    const answer = child.request('wait', null, { signal: control.signal })
    await child.request('echo', 'the handler runs')
    control.abort(new Error('changed my mind'))
    assert.match((await rejectsWith('aborted', answer)).message, /'wait' was aborted: changed my mind/)
    assert.equal((await messages.next()).value?.message, 'the handler was aborted')
    await rejectsWith('timed_out', child.request('wait', null, { timeout: 10 }))
    assert.equal((await messages.next()).value?.message, 'the handler was aborted')
    await rejectsWith('aborted', child.request('echo', 1, { signal: AbortSignal.abort() }))
  })

  processTest('in an infinite loop: requests time out, and it is killed after the grace period', async () => {
    await using child = fork<Talk>(talks, [], { stop: { grace: 100 } })
    await rejectsWith('timed_out', child.request('loop', null, { timeout: 300 }))
    await rejectsWith('timed_out', child.request('echo', 1, { timeout: 10 }))
    // What it does not read piles up: the pipe fills, and then sending waits until its death.
    const flood = Array.from({ length: 100 }, () =>
      child.send({ n: 'x'.repeat(100_000) as unknown as number }),
    )
    const fate = Promise.allSettled(flood)
    await child.stop()
    const reasons = (await fate).flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
    assert.ok(reasons.length > 0 && reasons.every((code) => code === 'channel_closed'), `${reasons}`)
    // SIGTERM ends a program without a handler for it even in a loop.
    assert.equal((await child.exit).signal, 'SIGTERM')
  })

  processTest('that dies rejects what it was asked', async () => {
    await using child = fork<Talk>(talks)
    const waiting = child.request('wait', null)
    const last = child.request('exit', 3)
    await Promise.all([rejectsWith('channel_closed', waiting), rejectsWith('channel_closed', last)])
    await child.disconnected
    assert.equal((await child.exit).code, 3)
    assert.match((await rejectsWith('channel_closed', child.send({ n: 1 }))).message, /process \d+ has ended/)
    await rejectsWith('channel_closed', child.request('echo', 1))
    assert.equal(child.isConnected, false)
  })

  processTest(
    'gives all its messages in order to every reader, the first one also the early ones',
    async () => {
      await using child = fork<Talk>(talks)
      await child.request('say', 3)
      const all = child.messages()
      const later = child.messages()
      await child.request('say', 2)
      child.disconnect()
      assert.deepEqual(await collect(all), [0, 1, 2, 0, 1])
      assert.deepEqual(await collect(later), [0, 1])
      assert.deepEqual(await collect(child.messages()), [])
    },
  )

  processTest('that sends more than anybody reads: the reader gets the bound, then an error', async () => {
    await using child = fork<Talk>(talks, [], { maxUnread: 10 })
    await child.request('say', 30)
    const messages = child.messages()
    for (let number = 0; number < 10; number++) assert.equal((await messages.next()).value?.message, number)
    assert.match((await rejectsWith('messages_unread', messages.next())).message, /10 messages wait unread/)
    assert.equal((await messages.next()).done, true)
    assert.equal(await child.request('echo', 'goes on'), 'goes on')
  })

  processTest('takes no message of 100 MB, nor a larger one than agreed', async () => {
    await using child = fork<Talk>(talks)
    const large = { text: 'x'.repeat(100_000_000) }
    const error = await rejectsWith('message_too_large', child.request('echo', large))
    assert.match(error.message, /more than 16777216 bytes: send it in pieces/)
    await rejectsWith('message_too_large', child.request('echo', Buffer.alloc(10_000_000)))
    assert.equal(await child.request('echo', 'goes on'), 'goes on')
    await using small = fork<Talk>(talks, [], { maxMessage: 100 })
    await rejectsWith('message_too_large', small.request('echo', Array(51).fill([1])))
    assert.equal(await small.request('echo', 'x'), 'x')
  })

  processTest('takes a message of 100 MB where that was agreed', async () => {
    await using child = fork(bare, [], { maxMessage: 200_000_000 })
    const messages = child.messages()
    assert.equal((await messages.next()).value?.message, 'hello')
    await child.send('x'.repeat(100_000_000))
    const { value } = await messages.next()
    assert.equal(JSON.stringify(value?.message).length, 100_000_000 + `{"echo":""}`.length)
  })

  processTest('takes nothing that is no message', async () => {
    await using child = fork(bare)
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    for (const bad of [
      undefined,
      () => {},
      Symbol('s'),
      1n,
      cycle,
      { cmd: 'NODE_SOMETHING' },
      { 'brood:process:1': 0 },
    ]) {
      await rejectsWith('message_invalid', child.send(bad))
    }
    await rejectsWith(
      'message_invalid',
      child.request('x', () => {}),
    )
    const messages = child.messages()
    await messages.next()
    await child.send('fine')
    assert.deepEqual((await messages.next()).value?.message, { echo: 'fine' })
  })

  processTest('can be sent all that structured clone takes', async () => {
    await using child = fork<Talk>(talks, [], { serialization: 'advanced' })
    const value = { map: new Map([[1n, new Set(['a'])]]), date: new Date(0), bytes: new Uint8Array([1, 2]) }
    assert.deepEqual(await child.request('echo', value), value)
    await rejectsWith('message_invalid', child.request('echo', { f: () => {} }))
  })

  processTest('may be any Node program, also one that knows nothing of brood', async () => {
    await using child = fork<{ toParent: unknown; toChild: unknown }>(bare)
    const messages = child.messages()
    assert.equal((await messages.next()).value?.message, 'hello')
    await child.send({ n: 1 })
    assert.deepEqual((await messages.next()).value?.message, { echo: { n: 1 } })
    await child.send('disconnect')
    await child.disconnected
    assert.equal((await child.exit).code, 0)
  })

  processTest('may be born by spawn, as any program that speaks JSON lines on NODE_CHANNEL_FD', async () => {
    await using child = spawn<Talk>(process.execPath, [talks], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    assert.equal(await child.request('echo', 5), 5)
  })

  processTest('without a channel says how to get one', async () => {
    await using child = spawn('cat')
    assert.match(
      (await rejectsWith('no_channel', child.send(1))).message,
      /fork it, or add 'ipc' to its stdio/,
    )
    throwsWith('no_channel', () => child.messages())
    throwsWith('no_channel', () => child.answer('x', () => 1))
    await child.disconnected
  })

  processTest('that writes garbage into its channel closes it, and nothing else', async () => {
    for (const garbage of [
      'garbage',
      '{"cmd":"NODE_HANDLE","type":"net.Socket"}',
      '{"cmd":"NODE_HANDLE_ACK"}',
    ]) {
      await using child = spawn('/bin/sh', ['-c', 'echo "$1" >&3; read word', 'sh', garbage], {
        stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
      })
      if (garbage === 'garbage') await rejectsWith('bad_frame', child.request('anything', 1))
      child.stdin?.end()
      assert.equal((await child.exit).askedBy, 'itself')
    }
    await using child = fork(programPath('bare.js'))
    const messages = child.messages()
    await messages.next()
    for (const forged of [0, 'x', {}, 'request', { type: 'reply' }]) {
      // The bare child echoes it below a key; only at the top could it be taken for brood's own.
      await child.send({ 'brood:process:0': forged })
      await messages.next()
    }
  })

  processTest('that forges envelopes is not believed', async () => {
    await using child = fork<Talk>(programPath('forges.js'))
    const messages = child.messages()
    assert.equal((await messages.next()).value?.message, 'done')
    await rejectsWith('handler_failed', child.request('echo', 1))
  })

  processTest('ends by itself when it imports brood/process and listens to nothing', async () => {
    const child = fork(programPath('does-not-listen.ts'))
    const messages = await collect(child.messages())
    assert.deepEqual(messages, ['started'])
    assert.equal((await child.exit).code, 0)
  })

  processTest('gets its own messages though it listens late, and none of the envelopes', async () => {
    await using child = fork(programPath('listens-late.ts'))
    const messages = child.messages()
    await Promise.all([child.send('early'), child.request('begin', null), child.send('last')])
    assert.deepEqual((await messages.next()).value?.message, ['early', 'last'])
    child.request('begin', null).catch(() => {})
    assert.equal((await child.exit).code, 0)
  })

  processTest('must say something within its start timeout', async () => {
    const child = fork(programPath('describes-itself.js'), ['stay'], { startTimeout: 300, silent: true })
    assert.equal((await child.exit).askedBy, 'timeout')
    await using quick = fork<Talk>(talks, [], { startTimeout: 20_000 })
    await quick.request('echo', 1)
    assert.equal(quick.isRunning, true)
  })

  processTest('is not started for a module that does not exist, or without ipc', async ({ signal }) => {
    assert.match(
      throwsWith('script_not_found', () => fork('./missing.js')).message,
      /there is no module '\/.*missing\.js'/,
    )
    assert.match(
      throwsWith('usage', () => fork(bare, [], { stdio: ['pipe', 'pipe', 'pipe'] })).message,
      /'ipc'/,
    )
    throwsWith('usage', () => fork(5 as unknown as string))
    await gone([], signal)
  })

  processTest('answers a name once', async () => {
    await using child = fork<Talk>(talks)
    const takeBack = child.answer('double', () => 1)
    throwsWith('usage', () => child.answer('double', () => 2))
    takeBack()
    child.answer('double', (value) => value + 1)
    assert.equal(await child.request('ask', 1), 2)
  })
})

async function collect(messages: AsyncIterable<{ message: unknown }>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const { message } of messages) all.push(message)
  return all
}
