// The history: the latest in memory, all of it in a file that stays small, and no failure of the disk in anybody's way.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { EventLog, type HistoryEvent } from '../../src/daemon/event-log.ts'
import type { Clock } from '../../src/kernel/clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'brood-events-'))
after(() => rmSync(folder, { recursive: true }))

/** Each look at it is a millisecond later. */
function tickingClock(): Clock {
  let now = 0
  return { now: () => ++now, at: () => assert.fail('the history waits for nothing') }
}

let logs = 0
const newPath = (): string => join(folder, `${logs++}.ndjson`)
const linesOf = (path: string): HistoryEvent[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const sizeLimit = 4 << 20

suite('an event', () => {
  test('is remembered with its time, and written as a line of JSON that only the owner reads', () => {
    const path = newPath()
    const log = new EventLog(path, tickingClock())
    log.add({ type: 'worker-ready', app: 'web', slot: 0, pid: 7 })
    log.add({ type: 'supervisor-stopped' })
    const expected = [
      { at: 1, type: 'worker-ready', app: 'web', slot: 0, pid: 7 },
      { at: 2, type: 'supervisor-stopped' },
    ]
    assert.deepEqual(log.latest(undefined), expected)
    assert.deepEqual(linesOf(path), expected)
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('is found by its app', () => {
    const log = new EventLog(newPath(), tickingClock())
    log.add({ type: 'started', app: 'web' })
    log.add({ type: 'started', app: 'db' })
    log.add({ type: 'supervisor-started' })
    assert.deepEqual(log.latest('db'), [{ at: 2, type: 'started', app: 'db' }])
    assert.deepEqual(log.latest('other'), [])
  })

  test('is told to every follower until it has enough', () => {
    const log = new EventLog(newPath(), tickingClock())
    const heard: string[] = []
    const end = log.follow(({ type }) => heard.push(`one ${type}`))
    log.follow(({ type }) => heard.push(`two ${type}`))
    log.add({ type: 'started' })
    end()
    end()
    log.add({ type: 'stopped' })
    assert.deepEqual(heard, ['one started', 'two started', 'two stopped'])
  })

  test('is forgotten in memory after a thousand others, but not in the file', () => {
    const path = newPath()
    const log = new EventLog(path, tickingClock())
    for (let index = 0; index < 1001; index++) log.add({ type: 'started', slot: index })
    const latest = log.latest(undefined)
    assert.deepEqual([latest.length, latest[0]?.slot, latest.at(-1)?.slot], [1000, 1, 1000])
    assert.equal(linesOf(path).length, 1001)
  })
})

suite('the history of an earlier supervisor', () => {
  test('is there for the next one', () => {
    const path = newPath()
    const clock = tickingClock()
    new EventLog(path, clock).add({ type: 'started', app: 'web' })
    const log = new EventLog(path, clock)
    log.add({ type: 'stopped', app: 'web' })
    assert.deepEqual(
      log.latest('web').map(({ type }) => type),
      ['started', 'stopped'],
    )
  })

  test('is there up to the last thousand', () => {
    const path = newPath()
    const lines = Array.from(
      { length: 2000 },
      (_, slot) => `${JSON.stringify({ at: 1, type: 'started', slot })}\n`,
    )
    writeFileSync(path, lines.join(''))
    const latest = new EventLog(path, tickingClock()).latest(undefined)
    assert.deepEqual([latest.length, latest[0]?.slot, latest.at(-1)?.slot], [1000, 1000, 1999])
  })

  test('loses a torn last line, and nothing else', () => {
    const path = newPath()
    writeFileSync(path, '{"at":1,"type":"started"}\n{"at":2,"ty')
    assert.deepEqual(new EventLog(path, tickingClock()).latest(undefined), [{ at: 1, type: 'started' }])
  })

  test('does not take the first new event with its torn line', () => {
    const path = newPath()
    writeFileSync(path, '{"at":1,"ty')
    new EventLog(path, tickingClock()).add({ type: 'supervisor-started' })
    assert.deepEqual(new EventLog(path, tickingClock()).latest(undefined), [
      { at: 1, type: 'supervisor-started' },
    ])
  })

  test('loses lines of JSON that are no events', () => {
    const path = newPath()
    writeFileSync(path, 'null\n5\n"x"\n{"at":1,"type":"started","app":"web"}\n')
    assert.deepEqual(new EventLog(path, tickingClock()).latest('web').length, 1)
    assert.deepEqual(new EventLog(path, tickingClock()).latest(undefined).length, 1)
  })
})

suite('the file of events', () => {
  const long = { type: 'worker-exited', reason: 'x'.repeat(100_000) } as const

  test('is put aside before it passes its limit, and nothing is lost between the two', () => {
    const path = newPath()
    const log = new EventLog(path, tickingClock())
    let added = 0
    while (!existsSync(`${path}.1`)) {
      log.add(long)
      added++
    }
    assert.ok(statSync(`${path}.1`).size <= sizeLimit)
    assert.ok(statSync(`${path}.1`).size > sizeLimit - 100_100)
    assert.equal(linesOf(path).length, 1)
    assert.deepEqual(
      [...linesOf(`${path}.1`), ...linesOf(path)].map(({ at }) => at),
      Array.from({ length: added }, (_, index) => index + 1),
    )
  })

  test('is put aside again and again, so that the two together stay small', () => {
    const path = newPath()
    const log = new EventLog(path, tickingClock())
    for (let index = 0; index < 130; index++) log.add(long)
    assert.ok(statSync(path).size + statSync(`${path}.1`).size <= 2 * sizeLimit)
    assert.equal(linesOf(path).at(-1)?.at, 130)
  })

  test('counts what an earlier supervisor wrote', () => {
    const path = newPath()
    appendFileSync(path, `${'x'.repeat(sizeLimit - 10)}\n`)
    new EventLog(path, tickingClock()).add({ type: 'started' })
    assert.equal(statSync(`${path}.1`).size, sizeLimit - 9)
    assert.equal(linesOf(path).length, 1)
  })

  test('is measured in bytes', () => {
    const path = newPath()
    const log = new EventLog(path, tickingClock())
    for (let index = 0; index < 30; index++) log.add({ type: 'worker-exited', reason: '大'.repeat(100_000) })
    assert.ok(statSync(path).size <= sizeLimit)
  })

  test('that cannot be written hinders nobody', () => {
    const path = newPath()
    mkdirSync(path)
    const log = new EventLog(path, tickingClock())
    const heard: string[] = []
    log.follow(({ type }) => heard.push(type))
    log.add({ type: 'started' })
    assert.deepEqual([heard, log.latest(undefined).length], [['started'], 1])
  })

  test('that somebody removed when it was full is begun anew', () => {
    const path = newPath()
    appendFileSync(path, 'x'.repeat(sizeLimit))
    const log = new EventLog(path, tickingClock())
    rmSync(path)
    log.add({ type: 'started' })
    log.add({ type: 'stopped' })
    assert.equal(linesOf(path).at(-1)?.type, 'stopped')
  })
})
