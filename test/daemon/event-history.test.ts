// The history: what was acknowledged is there after any death, it stays small, and no failure of file or disk is in anybody's way.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, type TestContext, test } from 'node:test'
import type { HistoryEvent } from '../../src/daemon/event.ts'
import { readEvents } from '../../src/daemon/event-database.ts'
import { EventHistory } from '../../src/daemon/event-history.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { Beside } from '../support/command.ts'
import { temporaryFolder } from '../support/temporary.ts'

const timeout = 60_000
const writer = join(import.meta.dirname, '../fixtures/event-writer.ts')

/** Each look at it is a millisecond later, unless it is set. */
class SetClock implements Clock {
  #now: number

  constructor(now = 0) {
    this.#now = now
  }

  now(): number {
    return ++this.#now
  }

  set(now: number): void {
    this.#now = now - 1
  }

  at(): never {
    assert.fail('the history waits for nothing')
  }
}

const newPath = (t: TestContext): string => join(temporaryFolder(t), 'events.db')

function historyOf(
  t: TestContext,
  path: string,
  ...rest: [Clock?, { age: number; bytes: number }?]
): EventHistory {
  const [clock = new SetClock(), ...bounds] = rest
  const history = new EventHistory(path, clock, ...bounds)
  t.after(() => history.close())
  return history
}

const untimed = ({ id: _id, at: _at, ...event }: HistoryEvent): object => event
const slotsOf = (events: readonly HistoryEvent[]): unknown[] => events.map(({ slot }) => slot)

suite('an event', () => {
  test('is remembered with all of its fields, its time, and an id that grows', (t) => {
    const path = newPath(t)
    const history = historyOf(t, path)
    const full = {
      type: 'worker-blocked',
      app: 'web',
      slot: 0,
      pid: 7,
      reason: 'größe "x" \'y\'',
      cause: 'command reload',
      detail: ['at a (b.js:1)', ''],
    } as const
    history.add(full)
    history.add({ type: 'supervisor-stopped' })
    const told = history.query()
    assert.deepEqual(told.map(untimed), [full, { type: 'supervisor-stopped' }])
    const [first, second] = told
    assert.ok(first !== undefined && second !== undefined && first.id < second.id && first.at < second.at)
    history.close()
    assert.deepEqual(readEvents(path, {}), told)
    assert.deepEqual(historyOf(t, path).query(), told)
  })

  test('is in files that only the owner reads', (t) => {
    const path = newPath(t)
    historyOf(t, path).add({ type: 'started' })
    for (const suffix of ['', '-wal']) assert.equal(statSync(path + suffix).mode & 0o777, 0o600)
    assert.equal(existsSync(`${path}-shm`), false, 'no shared memory, which somebody could truncate')
  })

  test('is found by app, time and type, the latest of them first of all', (t) => {
    const clock = new SetClock()
    const history = historyOf(t, newPath(t), clock)
    for (let slot = 0; slot < 10; slot++) {
      clock.set(1000 + slot)
      history.add({
        type: slot % 2 === 0 ? 'worker-ready' : 'worker-exited',
        app: slot < 6 ? 'web' : 'db',
        slot,
      })
    }
    assert.deepEqual(slotsOf(history.query({ app: 'db' })), [6, 7, 8, 9])
    assert.deepEqual(slotsOf(history.query({ since: 1003, until: 1005 })), [3, 4, 5])
    assert.deepEqual(slotsOf(history.query({ app: 'web', types: ['worker-exited'] })), [1, 3, 5])
    assert.deepEqual(slotsOf(history.query({ limit: 2 })), [8, 9])
    assert.deepEqual(slotsOf(history.query({ app: 'web', since: 1001, limit: 2 })), [4, 5])
    assert.deepEqual(history.query({ app: 'other' }), [])
    assert.deepEqual(history.query({ types: [] }), [])
  })

  test('is found by its time also where the clock was set back', (t) => {
    const clock = new SetClock()
    const history = historyOf(t, newPath(t), clock)
    for (const [slot, at] of [5000, 5001, 1000, 1001].entries()) {
      clock.set(at)
      history.add({ type: 'worker-ready', slot })
    }
    assert.deepEqual(slotsOf(history.query()), [0, 1, 2, 3], 'in the order in which they happened')
    assert.deepEqual(slotsOf(history.query({ since: 900, until: 1100 })), [2, 3])
    assert.deepEqual(slotsOf(history.query({ since: 1001, until: 5000 })), [0, 3])
  })

  test('is told to every follower until it has enough', (t) => {
    const history = historyOf(t, newPath(t))
    const heard: string[] = []
    const end = history.follow(({ type }) => heard.push(`one ${type}`))
    history.follow(({ type }) => heard.push(`two ${type}`))
    history.add({ type: 'started' })
    end()
    end()
    history.add({ type: 'stopped' })
    assert.deepEqual(heard, ['one started', 'two started', 'two stopped'])
  })

  test('has an id that no event before it had, also after the clock was set back between two supervisors', (t) => {
    const path = newPath(t)
    const first = historyOf(t, path, new SetClock(5000))
    first.add({ type: 'started' })
    first.close()
    const second = historyOf(t, path, new SetClock(1000))
    second.add({ type: 'stopped' })
    assert.deepEqual(
      second.query().map(({ type }) => type),
      ['started', 'stopped'],
    )
  })

  test('of a program that said too much is cut', (t) => {
    const history = historyOf(t, newPath(t))
    const much = 'x'.repeat(1_000_000)
    history.add({ type: 'worker-exited', reason: much, cause: much, detail: Array(100_000).fill(much) })
    assert.ok(JSON.stringify(history.query()).length < 50_000)
  })
})

suite('the file', () => {
  const bounds = { age: 1e9, bytes: 1 << 20 }

  test('stays within its size for ever, and keeps the newest', (t) => {
    const path = newPath(t)
    const history = historyOf(t, path, new SetClock(), bounds)
    for (let slot = 0; slot < 20_000; slot++)
      history.add({ type: 'worker-exited', slot, reason: 'x'.repeat(300) })
    const kept = slotsOf(history.query({ limit: 20_000 })).map(Number)
    assert.ok(kept.length > 2000 && kept.length < 4000, `${kept.length} events of 300 bytes in 1 MB`)
    assert.deepEqual(
      kept,
      Array.from(kept, (_, index) => 20_000 - kept.length + index),
    )
    history.close()
    assert.ok(statSync(path).size < 1.2 * bounds.bytes, `${statSync(path).size}`)
  })

  test('gives space back', (t) => {
    const path = newPath(t)
    const large = historyOf(t, path, new SetClock(), { age: 1e9, bytes: 8 << 20 })
    for (let index = 0; index < 10_000; index++) large.add({ type: 'worker-exited', reason: 'x'.repeat(300) })
    large.close()
    assert.ok(statSync(path).size > 3 << 20)
    const small = historyOf(t, path, new SetClock(1e6), bounds)
    for (let index = 0; index < 640; index++) small.add({ type: 'worker-exited' })
    small.close()
    assert.ok(statSync(path).size < 1.2 * bounds.bytes, `${statSync(path).size}`)
  })

  test('forgets what is too old, but never the newest', (t) => {
    const path = newPath(t)
    const clock = new SetClock()
    const day = 86_400_000
    const first = historyOf(t, path, clock)
    clock.set(1 * day)
    first.add({ type: 'worker-ready', slot: 1 })
    clock.set(20 * day)
    first.add({ type: 'worker-ready', slot: 20 })
    first.close()
    clock.set(40 * day)
    const second = historyOf(t, path, clock)
    second.add({ type: 'worker-ready', slot: 40 })
    assert.deepEqual(slotsOf(second.query()), [20, 40])
    second.close()
    clock.set(400 * day)
    const third = historyOf(t, path, clock)
    third.add({ type: 'worker-ready', slot: 400 })
    assert.deepEqual(slotsOf(third.query()), [400])
  })

  test('that somebody removes is begun anew before long', (t) => {
    const path = newPath(t)
    const history = historyOf(t, path)
    history.add({ type: 'started' })
    rmSync(path)
    for (let index = 0; index < 200; index++) history.add({ type: 'worker-ready', slot: index })
    history.close()
    assert.equal(readEvents(path, {})?.at(-1)?.slot, 199)
  })
})

suite('a file that cannot be understood', () => {
  const typesOf = (history: EventHistory): string[] => history.query().map(({ type }) => type)

  function foreign(path: string, sql: string): void {
    const database = new DatabaseSync(path)
    database.exec(sql)
    database.close()
  }

  const kinds: [what: string, make: (path: string) => void][] = [
    ['text', (path) => writeFileSync(path, '{"at":1}\n'.repeat(1000))],
    ['zeros', (path) => writeFileSync(path, Buffer.alloc(20_000))],
    [
      'a database of another program',
      (path) => foreign(path, 'CREATE TABLE t (x); INSERT INTO t VALUES (1)'),
    ],
    [
      'the history of a later brood',
      (path) =>
        foreign(path, 'PRAGMA application_id = 0x62726f64; PRAGMA user_version = 99; CREATE TABLE t (x)'),
    ],
  ]

  for (const [what, make] of kinds) {
    test(`is set aside with an event that says so: ${what}`, (t) => {
      const path = newPath(t)
      make(path)
      const before = readFileSync(path)
      const history = historyOf(t, path)
      history.add({ type: 'supervisor-started' })
      assert.deepEqual(typesOf(history), ['history-unreadable', 'supervisor-started'])
      assert.match(history.query()[0]?.reason ?? '', /set aside as events\.db\.unreadable$/)
      assert.deepEqual(readFileSync(`${path}.unreadable`), before)
      history.close()
      assert.equal(readEvents(path, {})?.length, 2)
    })
  }

  test('is set aside when it is torn in the middle, as soon as that shows', (t) => {
    const path = newPath(t)
    const first = historyOf(t, path)
    for (let index = 0; index < 2000; index++) first.add({ type: 'worker-ready', reason: 'x'.repeat(100) })
    first.close()
    truncateSync(path, 3 * 4096)
    assert.throws(() => readEvents(path, {}), /events\.db .*sets it aside/)
    const second = historyOf(t, path)
    second.add({ type: 'supervisor-started' })
    second.query()
    second.add({ type: 'supervisor-stopped' })
    assert.deepEqual(typesOf(second).toSorted(), [
      'history-unreadable',
      'supervisor-started',
      'supervisor-stopped',
    ])
    assert.ok(existsSync(`${path}.unreadable`))
  })

  test('is set aside when it breaks under the supervisor', (t) => {
    const path = newPath(t)
    const history = historyOf(t, path)
    for (let index = 0; index < 3000; index++) history.add({ type: 'worker-ready', reason: 'x'.repeat(100) })
    writeFileSync(path, Buffer.alloc(statSync(path).size, 'garbage'))
    assert.ok(Array.isArray(history.query()))
    history.add({ type: 'stopped' })
    history.close()
    const again = historyOf(t, path)
    again.add({ type: 'supervisor-started' })
    const types = typesOf(again)
    assert.deepEqual([types.includes('history-unreadable'), types.at(-1)], [true, 'supervisor-started'])
  })

  test('takes the place of what was set aside before', (t) => {
    const path = newPath(t)
    for (const text of ['first', 'second']) {
      writeFileSync(path, text)
      const history = historyOf(t, path)
      history.add({ type: 'started' })
      history.close()
    }
    assert.equal(readFileSync(`${path}.unreadable`, 'utf8'), 'second')
  })

  test('is begun anew without a word when it is empty', (t) => {
    const path = newPath(t)
    writeFileSync(path, '')
    const history = historyOf(t, path)
    history.add({ type: 'started' })
    assert.deepEqual(typesOf(history), ['started'])
  })
})

suite('a file that cannot be written now', () => {
  test('hinders nobody; what happened meanwhile is written when it can be', (t) => {
    const path = newPath(t)
    mkdirSync(path)
    const history = historyOf(t, path)
    const heard: string[] = []
    history.follow(({ type }) => heard.push(type))
    history.add({ type: 'started', app: 'web' })
    history.add({ type: 'stopped', app: 'web' })
    assert.deepEqual([heard, slotsOf(history.query({ app: 'web' })).length], [['started', 'stopped'], 2])
    const before = history.query()
    rmdirSync(path)
    history.add({ type: 'supervisor-stopped' })
    history.close()
    const after = readEvents(path, {})
    assert.deepEqual(after?.slice(0, 2), before)
    assert.equal(after?.at(-1)?.type, 'supervisor-stopped')
  })

  test('costs the oldest events when it lasts, and says so', (t) => {
    const path = newPath(t)
    mkdirSync(path)
    const history = historyOf(t, path)
    for (let slot = 0; slot < 1500; slot++) history.add({ type: 'worker-ready', slot })
    rmdirSync(path)
    history.add({ type: 'stopped' })
    history.close()
    const written = readEvents(path, { limit: 2000 }) ?? []
    assert.deepEqual(
      [written[0]?.slot, written.at(-2)?.type, written.at(-1)?.type],
      [502, 'stopped', 'events-lost'],
    )
    assert.match(written.at(-1)?.reason ?? '', /^501 /)
  })

  test('because somebody reads it is waited for, not set aside', (t) => {
    const path = newPath(t)
    const first = historyOf(t, path)
    first.add({ type: 'started' })
    first.close()
    const reader = new DatabaseSync(path)
    reader.exec('BEGIN; SELECT * FROM events')
    const second = historyOf(t, path)
    second.add({ type: 'stopped' })
    assert.deepEqual(
      second.query().map(({ type }) => type),
      ['stopped'],
    )
    reader.close()
    assert.deepEqual(
      second.query().map(({ type }) => type),
      ['started', 'stopped'],
    )
    assert.equal(existsSync(`${path}.unreadable`), false)
  })
})

test('whoever asks while no history was ever written is told so, and leaves no file', (t) => {
  const path = newPath(t)
  assert.equal(readEvents(path, {}), undefined)
  assert.equal(existsSync(path), false)
})

test('a writer that is killed at any moment, again and again, loses no event that was acknowledged', {
  timeout,
}, async (t) => {
  const path = newPath(t)
  let next = 0
  for (let round = 0; round < 25; round++) {
    const child = new Beside(
      t,
      spawn(process.execPath, [writer, path, `${next}`], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    // So many that the log of one round is carried over to the file in the middle, in another round never.
    await child.until(new RegExp(`^${next + 1 + ((round * 37) % 400)}\n`, 'm'))
    const gone = once(child.child, 'exit')
    child.child.kill('SIGKILL')
    await gone
    const { stdout } = await child.ended
    const acknowledged = Number(stdout.slice(0, stdout.lastIndexOf('\n')).split('\n').at(-1))
    const slots = slotsOf(readEvents(path, { limit: 100_000 }) ?? []).map(Number)
    assert.deepEqual(
      slots,
      Array.from(slots, (_, index) => index),
      'none is missing or there twice',
    )
    assert.ok(
      slots.length > acknowledged,
      `${acknowledged} was acknowledged, ${slots.length - 1} is the last`,
    )
    const database = new DatabaseSync(path)
    assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' })
    database.close()
    next = slots.length
  }
  assert.equal(existsSync(`${path}.unreadable`), false)
})
