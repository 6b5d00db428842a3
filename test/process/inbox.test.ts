// The bounded queue behind messages(): order, the bound, and every way to leave it.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BroodError } from '../../src/kernel/errors.ts'
import { Inbox } from '../../src/process/inbox.ts'

const bounded = { timeout: 10_000 }

function inboxOf(limit: number): { inbox: Inbox<number>; dropped: number[]; left: () => number } {
  const dropped: number[] = []
  let left = 0
  const inbox = new Inbox<number>(limit, { drop: (item) => dropped.push(item), left: () => left++ })
  return { inbox, dropped, left: () => left }
}

suite('an inbox', () => {
  test('gives items in order, however pushes and reads follow each other', bounded, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 3000 }), async (steps) => {
        const { inbox } = inboxOf(10_000)
        const reads: Promise<IteratorResult<number>>[] = []
        let pushed = 0
        for (const push of steps) {
          if (push) inbox.push(pushed++)
          else reads.push(inbox.next())
        }
        inbox.end()
        const results = await Promise.all(reads)
        results.forEach((result, index) => {
          assert.deepEqual(
            result,
            index < pushed ? { done: false, value: index } : { done: true, value: undefined },
          )
        })
      }),
      { numRuns: 50 },
    )
  })

  test('over its bound gives what it holds, then one error, and drops the rest', bounded, async () => {
    const { inbox, dropped } = inboxOf(2)
    for (const item of [1, 2, 3, 4]) inbox.push(item)
    assert.deepEqual(dropped, [3, 4])
    assert.deepEqual(
      [await inbox.next(), await inbox.next()].map(({ value }) => value),
      [1, 2],
    )
    await assert.rejects(
      inbox.next(),
      (error) => error instanceof BroodError && error.code === 'messages_unread',
    )
    assert.deepEqual(await inbox.next(), { done: true, value: undefined })
  })

  test('left early drops what it holds, tells so once, and is done', bounded, async () => {
    const { inbox, dropped, left } = inboxOf(10)
    for (const item of [1, 2, 3]) inbox.push(item)
    for await (const item of inbox) if (item === 1) break
    assert.deepEqual([dropped, left()], [[2, 3], 1])
    inbox.push(4)
    assert.deepEqual(dropped, [2, 3, 4])
    assert.equal((await inbox.next()).done, true)
  })

  test('ends its waiting readers', bounded, async () => {
    const { inbox } = inboxOf(10)
    const readers = [inbox.next(), inbox.next()]
    inbox.end()
    for (const reader of readers) assert.equal((await reader).done, true)
  })
})
