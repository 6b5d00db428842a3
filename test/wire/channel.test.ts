// Channels over real unix sockets: checked messages in order, an end with its reason, and one bad peer harms no other.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { BroodError } from '../../src/kernel/errors.ts'
import { Channel } from '../../src/wire/channel.ts'
import { encodeFrame } from '../../src/wire/frame.ts'
import { cuts, pieces } from '../support/pieces.ts'

const bounded = { timeout: 30_000 }

type Message = { n: unknown }

const asMessage = (value: unknown): Message | undefined =>
  typeof value === 'object' && value !== null && 'n' in value ? { n: value.n } : undefined

/** One end of a channel with everything that came out of it. */
function listenTo(socket: Socket): {
  channel: Channel<Message, Message>
  messages: unknown[]
  received: (count: number) => Promise<void>
  closed: Promise<Error | undefined>
} {
  const messages: unknown[] = []
  const heard = new EventTarget()
  const closing = Promise.withResolvers<Error | undefined>()
  let closes = 0
  const channel = new Channel<Message, Message>(socket, asMessage, {
    message({ n }) {
      messages.push(n)
      heard.dispatchEvent(new Event('message'))
    },
    close(error) {
      assert.equal(++closes, 1, 'a channel closes once')
      closing.resolve(error)
    },
  })
  const received = async (count: number): Promise<void> => {
    while (messages.length < count) await once(heard, 'message')
  }
  return { channel, messages, received, closed: closing.promise }
}

suite('a channel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brood-channel-'))
  const server = net.createServer()
  const sockets = new Set<Socket>()

  before(async () => {
    server.listen(join(folder, 'socket'))
    await once(server, 'listening')
  })

  after(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
    rmSync(folder, { recursive: true })
  })

  /** The two ends of one connection. */
  async function pair(): Promise<[Socket, Socket]> {
    const accepted = once(server, 'connection')
    const near = net.connect(join(folder, 'socket'))
    await once(near, 'connect')
    const [far] = (await accepted) as [Socket]
    for (const socket of [near, far]) sockets.add(socket)
    return [near, far]
  }

  test('gives messages in the order they were sent, in both directions', bounded, async () => {
    const [one, other] = (await pair()).map(listenTo)
    assert.ok(one && other)
    for (let n = 0; n < 1000; n++) one.channel.send({ n })
    other.channel.send({ n: 'back' })
    await Promise.all([other.received(1000), one.received(1)])
    assert.deepEqual(
      other.messages,
      Array.from({ length: 1000 }, (_, n) => n),
    )
    assert.deepEqual(one.messages, ['back'])
    one.channel.close()
    assert.deepEqual(await Promise.all([one.closed, other.closed]), [undefined, undefined])
  })

  test(
    'sends all messages of one tick in one write, and those of a dying process at once',
    bounded,
    async () => {
      const [near, far] = await pair()
      const { channel } = listenTo(near)
      for (const n of [1, 2, 3]) channel.send({ n })
      assert.equal(near.writableLength > 0, true, 'nothing leaves before the tick ends')
      channel.flush()
      const [bytes] = (await once(far, 'data')) as [Buffer]
      assert.deepEqual(bytes, Buffer.concat([1, 2, 3].map((n) => encodeFrame({ n }))))
    },
  )

  test('gives the same messages however the kernel cuts them', bounded, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
        cuts,
        async (values, at) => {
          const [near, far] = await pair()
          const { messages, received } = listenTo(far)
          for (const piece of pieces(Buffer.concat(values.map((n) => encodeFrame({ n }))), at))
            near.write(piece)
          await received(values.length)
          assert.deepEqual(messages, values)
          near.destroy()
        },
      ),
      { numRuns: 100 },
    )
  })

  const bad: [name: string, bytes: Buffer | string][] = [
    ['an HTTP request', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a TLS hello', Buffer.from('1603010200010001fc0303', 'hex')],
    ['a body that is not JSON', Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from('{')])],
    ['a message that the check does not know', encodeFrame({ stranger: true })],
    ['an empty frame', Buffer.alloc(4)],
  ]
  for (const [name, bytes] of bad) {
    test(`closes with bad_frame on ${name}, and the others go on`, bounded, async () => {
      const [badNear, badFar] = await pair()
      const [goodNear, goodFar] = await pair()
      const victim = listenTo(badFar)
      const bystander = listenTo(goodFar)
      badNear.write(bytes)
      const error = await victim.closed
      assert.ok(error instanceof BroodError && error.code === 'bad_frame', String(error))
      assert.equal(victim.channel.isOpen, false)
      assert.deepEqual(victim.messages, [])
      goodNear.write(encodeFrame({ n: 'still here' }))
      await bystander.received(1)
      assert.deepEqual(bystander.messages, ['still here'])
    })
  }

  test('tells of the message it did not know, cut to a readable length', bounded, async () => {
    const [near, far] = await pair()
    const { closed } = listenTo(far)
    near.write(encodeFrame({ stranger: 'x'.repeat(1000) }))
    const error = await closed
    assert.match(error?.message ?? '', /^an unknown message: \{"stranger":"x{90,110}$/)
  })

  test('gives what came before a bad frame in the same piece', {
    ...bounded,
  }, async () => {
    const [near, far] = await pair()
    const { messages, closed } = listenTo(far)
    near.write(Buffer.concat([encodeFrame({ n: 'last words' }), Buffer.from('GET / HTTP/1.1')]))
    await closed
    assert.deepEqual(messages, ['last words'])
  })

  test('takes nothing that comes after a bad frame', bounded, async () => {
    const [near, far] = await pair()
    const { messages, closed } = listenTo(far)
    near.write(Buffer.concat([encodeFrame({ stranger: true }), encodeFrame({ n: 1 })]))
    await closed
    assert.deepEqual(messages, [])
  })

  test('that is closed from within a message gives no further one', bounded, async () => {
    const [near, far] = await pair()
    const messages: unknown[] = []
    const closing = Promise.withResolvers<Error | undefined>()
    const channel = new Channel<Message, Message>(far, asMessage, {
      message({ n }) {
        messages.push(n)
        channel.close()
      },
      close: closing.resolve,
    })
    near.write(Buffer.concat([encodeFrame({ n: 1 }), encodeFrame({ n: 2 })]))
    assert.equal(await closing.promise, undefined)
    assert.deepEqual(messages, [1])
  })

  test('drops what is sent after its end, without an error', bounded, async () => {
    const [near, far] = await pair()
    const { channel, closed } = listenTo(far)
    near.destroy()
    assert.equal(await closed, undefined)
    assert.equal(channel.isOpen, false)
    channel.send({ n: 1 })
    channel.flush()
    channel.close()
  })

  test('closes with the reason it was given', bounded, async () => {
    const [, far] = await pair()
    const { channel, closed } = listenTo(far)
    const reason = new Error('the peer said nothing for too long')
    channel.close(reason)
    assert.equal(await closed, reason)
  })
})
