// Accepting goes on however often it has to pause: a worker that does not answer is not waited for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Load } from '../../../src/balance/index.ts'
import { Acceptor } from '../../../src/listen/balanced/supervisor-acceptor.ts'
import type { BareHandle } from '../../../src/wire/bare-handle.ts'
import { FakeClock } from '../../support/fake-clock.ts'

class Queue implements BareHandle {
  onconnection: BareHandle['onconnection'] = undefined
  listens = false
  backlog = 0

  listen(backlog: number): number {
    this.listens = true
    this.backlog = backlog
    return 0
  }

  close(): void {
    this.listens = false
  }
}

test('the handle to go on with is asked of somebody else when the worker that was asked is blocked', () => {
  const clock = new FakeClock()
  const asked: number[] = []
  const blocked = new Set<number>()
  const acceptor = new Acceptor({
    algorithm: 'round-robin',
    clock,
    ask: () => asked.push([1, 2].find((id) => !blocked.has(id)) ?? 0),
  })
  const underway: ((taken: boolean) => void)[] = []
  const recipient = (id: number, isBlocked: boolean) => ({
    id,
    load: new Load(id, () => clock.now()),
    send: (_client: BareHandle, done: (taken: boolean) => void) => isBlocked || underway.push(done) > 0,
  })
  acceptor.add(recipient(1, true))
  acceptor.add(recipient(2, false))
  const first = new Queue()
  acceptor.offer(first)
  asked.length = 0
  // More come than can wait, so accepting pauses, which ends with the handle.
  while (first.listens) first.onconnection?.(0, new Queue())
  assert.deepEqual(asked, [1])
  blocked.add(1)
  acceptor.suspend(1, true)
  assert.deepEqual(asked, [1, 2])
  const next = new Queue()
  acceptor.offer(next)
  assert.equal(next.listens, false, 'still too many wait')
  for (let done = underway.shift(); done !== undefined; done = underway.shift()) done(true)
  assert.equal(next.listens, true)
  acceptor.close()
  assert.equal(next.listens, false)
})

test('the queue is as long as the program has asked for', () => {
  const clock = new FakeClock()
  const acceptor = new Acceptor({ algorithm: 'round-robin', clock, ask: () => {} })
  acceptor.backlog = 4096
  acceptor.add({ id: 1, load: new Load(1, () => clock.now()), send: () => true })
  const queue = new Queue()
  acceptor.offer(queue)
  assert.equal(queue.backlog, 4096)
  acceptor.close()
})
