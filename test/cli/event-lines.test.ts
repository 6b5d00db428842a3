// Sentences on a terminal: days, times, width and colour.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventLines } from '../../src/cli/event-lines.ts'
import type { HistoryEvent } from '../../src/daemon/event.ts'

const at = (day: number, hours: number, minutes: number, seconds: number): number =>
  new Date(2026, 10, day, hours, minutes, seconds).getTime()

const style = (name: unknown, text: string): string => `<${name}>${text}</>`
const started: HistoryEvent = { id: 1, at: at(20, 3, 12, 7), type: 'started', app: 'web' }
const crash: HistoryEvent = {
  ...started,
  type: 'worker-exited',
  slot: 0,
  pid: 1,
  cause: 'crash',
  reason: 'exited with code 1: Error: one two three four five six',
}

test('each day gets a heading, and each event its local time', () => {
  const lines = eventLines({ width: 80, style })
  assert.deepEqual(lines(started), ['<bold>Friday 2026-11-20</>', '03:12:07  <green>web is running.</>'])
  const stopped: HistoryEvent = { ...started, at: at(20, 23, 59, 59), type: 'stopped' }
  assert.deepEqual(lines(stopped), ['23:59:59  web is stopped.'])
  assert.deepEqual(lines({ ...started, at: at(21, 0, 0, 0) }), [
    '',
    '<bold>Saturday 2026-11-21</>',
    '00:00:00  <green>web is running.</>',
  ])
})

test('what is longer than the terminal is wide goes on under its own begin, in its colour', () => {
  const lines = eventLines({ width: 40, style })(crash).slice(1)
  assert.deepEqual(lines, [
    '03:12:07  <red>web/0 (pid 1) ended by itself:</>',
    '          <red>exited with code 1: Error: one</>',
    '          <red>two three four five six.</>',
  ])
})

test('no line is wider than the terminal, unless a word is', () => {
  for (let width = 34; width < 120; width++) {
    const lines = eventLines({ width, style: (_name, text) => text })({ ...crash, detail: ['x'] })
    for (const line of lines) assert.ok(line.length <= width, `${line.length} of ${width}: ${line}`)
  }
  const word = 'x'.repeat(200)
  const lines = eventLines({ width: 40, style: (_name, text) => text })({ ...crash, reason: word })
  assert.ok(lines.includes(`          ${word}.`))
})

test('more lines, such as a stack, stand below as they are', () => {
  const event: HistoryEvent = { ...crash, type: 'worker-blocked', detail: ['at loop (a.js:1)', '  at b'] }
  assert.deepEqual(eventLines({ width: 80, style })(event).slice(-2), [
    '          | at loop (a.js:1)',
    '          |   at b',
  ])
})

test("a program's last words cannot move the cursor", () => {
  const evil = 'a\u001b[2J\r\nb\u0007c\u009b1A'
  const lines = eventLines({ width: 80, style: (_name, text) => text })({
    ...crash,
    reason: evil,
    detail: [evil],
  })
  for (const line of lines) assert.doesNotMatch(line, /\p{Cc}/u)
})
