// Webhooks: what is posted, and what becomes of it when the receiver does not take it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer as createSecureServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { HandClock } from '../../support/hand-clock.ts'
import { event, hooksFor, place, Receiver } from './pieces.ts'

const here = place('/')
const timeout = 20_000

suite('a webhook', { timeout }, () => {
  test('gets the event as JSON', async (t) => {
    const receiver = await Receiver.open(t)
    const { hooks, failures } = hooksFor(t, new HandClock())
    hooks.tell(
      [
        { on: ['ready'], post: receiver.url },
        { on: ['failed', 'crash'], post: receiver.url },
      ],
      event({ slot: 0, pid: 77, reason: 'it "broke"\n…' }),
      here,
    )
    const { body, headers, method, url, response } = await receiver.next()
    response.end('thanks')
    const { id, ...rest } = body
    assert.deepEqual(rest, {
      on: 'crash',
      app: 'web',
      slot: 0,
      pid: 77,
      reason: 'it "broke"\n…',
      at: '2030-01-01T00:00:00.000Z',
      host: 'one',
    })
    assert.deepEqual([method, url], ['POST', '/hook?token=secret'])
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['user-agent'], 'brood/9.9')
    assert.equal(headers['idempotency-key'], id)
    await hooks.close()
    assert.equal(receiver.unread, 0) // the one that asked for `ready` alone
    assert.deepEqual(failures.all, [])
  })

  test('is tried again after a failure, with the same key, and no other event overtakes', async (t) => {
    const receiver = await Receiver.open(t)
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(t, clock)
    const all = [{ on: ['crash' as const], post: receiver.url }]
    hooks.tell(all, event({ slot: 1 }), here)
    hooks.tell(all, event({ slot: 2 }), here)
    const first = await receiver.next()
    first.response.writeHead(503).end()
    await clock.waiting(1000)
    clock.advance(1000)
    const second = await receiver.next()
    assert.deepEqual(second.body, first.body)
    assert.equal(second.headers['idempotency-key'], first.headers['idempotency-key'])
    second.response.end()
    const third = await receiver.next()
    assert.equal(third.body.slot, 2)
    assert.notEqual(third.body.id, first.body.id)
    third.response.end()
    await hooks.close()
    assert.deepEqual(failures.all, [])
  })

  test('is tried again in time, though somebody sets the clock', async (t) => {
    const receiver = await Receiver.open(t)
    const [clock, steady] = [new HandClock(), new HandClock()]
    const { hooks } = hooksFor(t, clock, steady)
    hooks.tell([{ on: ['crash'], post: receiver.url }], event(), here)
    const first = await receiver.next()
    first.response.writeHead(503).end()
    await steady.waiting(1000)
    clock.set(clock.now() - 3_600_000)
    steady.advance(1000)
    const second = await receiver.next()
    second.response.writeHead(503, { 'retry-after': new Date(clock.now() + 90_000).toUTCString() }).end()
    await steady.waiting(90_000)
    assert.deepEqual(clock.waits, [])
  })

  test('is given up after five tries, with what it said last', async (t) => {
    const receiver = await Receiver.open(t)
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(t, clock)
    const hook = { on: ['crash' as const], post: receiver.url }
    const failed = failures.next()
    hooks.tell([hook], event(), here)
    for (const delay of [1000, 4000, 16_000, 60_000]) {
      ;(await receiver.next()).response.writeHead(500).end()
      await clock.waiting(delay)
      clock.advance(delay)
    }
    ;(await receiver.next()).response.writeHead(502, 'Bad Gateway').end('upstream is\ndown')
    const origin = new URL(receiver.url).origin
    assert.equal(await failed, `${origin} answered 502 Bad Gateway: upstream is (tried 5 times)`)
    assert.deepEqual(
      failures.all.map(({ hook, event }) => [hook, event]),
      [[hook, event()]],
    )
    assert.deepEqual(clock.waits, [])
  })

  const finals: readonly [status: number, why: RegExp][] = [
    [404, /answered 404 Not Found$/],
    [301, /answered 301 Moved Permanently, a redirect: give its target as the address$/],
  ]
  for (const [status, why] of finals) {
    test(`that answers ${status} is not tried again`, async (t) => {
      const receiver = await Receiver.open(t)
      const { hooks, failures } = hooksFor(t, new HandClock())
      const failed = failures.next()
      hooks.tell([{ on: ['crash'], post: receiver.url }], event(), here)
      ;(await receiver.next()).response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end()
      const said = await failed
      assert.match(said, why)
      assert.doesNotMatch(said, /secret/)
    })
  }

  for (const status of [408, 429, 503]) {
    test(`that answers ${status} with Retry-After is left alone for so long`, async (t) => {
      const receiver = await Receiver.open(t)
      const clock = new HandClock()
      const { hooks } = hooksFor(t, clock)
      hooks.tell([{ on: ['crash'], post: receiver.url }], event(), here)
      ;(await receiver.next()).response.writeHead(status, { 'retry-after': '120' }).end()
      await clock.waiting(120_000)
      clock.advance(120_000)
      const date = new Date(clock.now() + 90_000).toUTCString()
      ;(await receiver.next()).response.writeHead(status, { 'retry-after': date }).end()
      await clock.waiting(90_000)
    })
  }

  test('that does not answer is given ten seconds', async (t) => {
    const receiver = await Receiver.open(t)
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(t, clock)
    hooks.tell([{ on: ['crash'], post: receiver.url }], event(), here)
    const { response } = await receiver.next()
    const closed = new Promise((resolve) => response.once('close', resolve))
    clock.advance(10_000)
    await closed
    await clock.waiting(1000)
    await hooks.close()
    assert.match(failures.all[0]?.why ?? '', /it took longer than 10 s/)
  })

  test('that is slow with the rest of its answer has the event all the same', async (t) => {
    const receiver = await Receiver.open(t)
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(t, clock)
    const hook = { on: ['crash' as const], post: receiver.url }
    hooks.tell([hook], event({ slot: 1 }), here)
    hooks.tell([hook], event({ slot: 2 }), here)
    const { response } = await receiver.next()
    response.write('x'.repeat(5000)) // more than is read, and no end
    const second = await receiver.next()
    assert.equal(second.body.slot, 2)
    second.response.end()
    await hooks.close()
    assert.deepEqual(failures.all, [])
  })

  test('whose certificate nobody vouches for gets nothing', async (t) => {
    const file = (name: string): Buffer =>
      readFileSync(new URL(`../../fixtures/certificates/test-only-${name}.pem`, import.meta.url))
    const server = createSecureServer({ key: file('key'), cert: file('certificate') }, () =>
      assert.fail('it was sent the event'),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(t, clock)
    hooks.tell([{ on: ['crash'], post: `https://127.0.0.1:${port}/` }], event(), here)
    await clock.waiting(1000)
    await hooks.close()
    assert.match(failures.all[0]?.why ?? '', /^https:.*certificate/)
  })

  test('that nobody answers is tried again', async (t) => {
    const sockets: Socket[] = []
    const server = createServer((socket) => sockets.push(socket) && socket.on('error', () => {}).destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    t.after(() => server.close())
    const clock = new HandClock()
    const { hooks } = hooksFor(t, clock)
    hooks.tell([{ on: ['crash'], post: `http://127.0.0.1:${port}/` }], event(), here)
    await clock.waiting(1000)
    assert.equal(sockets.length, 1)
  })
})

suite('a queue', { timeout }, () => {
  test('holds a hundred events; the oldest give way, and the receiver is told how many', async (t) => {
    const receiver = await Receiver.open(t)
    const { hooks, failures } = hooksFor(t, new HandClock())
    const hook = { on: ['crash' as const], post: receiver.url }
    hooks.tell([hook], event({ slot: 0 }), here)
    const first = await receiver.next()
    for (let slot = 1; slot <= 103; slot++) hooks.tell([hook], event({ slot }), here)
    assert.deepEqual(
      failures.all.map(({ event: { slot }, why }) => [slot, why]),
      [[1, '100 events wait already: the oldest are dropped']],
    )
    first.response.end()
    const second = await receiver.next()
    assert.deepEqual([second.body.slot, second.body.dropped], [4, 3])
    second.response.end()
    const third = await receiver.next()
    assert.deepEqual([third.body.slot, third.body.dropped], [5, undefined])
  })

  test('of one hook does not hold up another', async (t) => {
    const [stuck, quick] = [await Receiver.open(t), await Receiver.open(t)]
    const { hooks } = hooksFor(t, new HandClock())
    const both = [stuck, quick].map(({ url }) => ({ on: ['crash' as const], post: url }))
    hooks.tell(both, event({ slot: 1 }), here)
    hooks.tell(both, event({ slot: 2 }), here)
    for (const slot of [1, 2]) {
      const { body, response } = await quick.next()
      assert.equal(body.slot, slot)
      response.end()
    }
    assert.equal((await stuck.next()).body.slot, 1)
    assert.equal(stuck.unread, 0)
  })
})

suite('closing', { timeout }, () => {
  test('lets what is under way finish, and gives what waits a try', async (t) => {
    const receiver = await Receiver.open(t)
    const { hooks, failures } = hooksFor(t, new HandClock())
    const hook = { on: ['crash' as const], post: receiver.url }
    hooks.tell([hook], event({ slot: 1 }), here)
    hooks.tell([hook], event({ slot: 2 }), here)
    const first = await receiver.next()
    const closed = hooks.close()
    hooks.tell([hook], event({ slot: 3 }), here)
    first.response.end()
    ;(await receiver.next()).response.end()
    await closed
    assert.equal(receiver.unread, 0)
    assert.deepEqual(failures.all, [])
  })

  test('gives up what waits for its next try, and what takes too long', async (t) => {
    const [down, slow] = [await Receiver.open(t), await Receiver.open(t)]
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(t, clock)
    hooks.tell([{ on: ['crash'], post: down.url }], event({ slot: 1 }), here)
    hooks.tell([{ on: ['crash'], post: slow.url }], event({ slot: 2 }), here)
    hooks.tell([{ on: ['crash'], post: slow.url }], event({ slot: 3 }), here)
    ;(await down.next()).response.writeHead(500).end()
    await clock.waiting(1000)
    await slow.next()
    const closed = hooks.close(700)
    await clock.waiting(700)
    clock.advance(700)
    await closed
    const said = failures.all.map(({ event: { slot }, why }) => [slot, why.replace(/^http:\S+/, '…')])
    assert.deepEqual(said.toSorted(), [
      [1, '… answered 500 Internal Server Error (the supervisor ended before the next try)'],
      [2, '… the supervisor ended'],
      [3, 'the supervisor ended before it was its turn'],
    ])
    assert.deepEqual(clock.waits, [])
  })
})
