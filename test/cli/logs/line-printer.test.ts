// How lines look: labels in one column, stderr told apart also without colours, stack traces whole, JSON for programs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters, styleText } from 'node:util'
import { type Columns, linePrinter } from '../../../src/cli/logs/line-printer.ts'
import type { LogEntry } from '../../../src/cli/logs/log-entry.ts'
import type { Terminal } from '../../../src/cli/terminal.ts'
import { logFile } from '../../support/logs/log-view.ts'

const files = new Map([0, 1, 10].map((slot) => [slot, logFile('/logs', slot)]))
const errors = logFile('/logs', 0, 'stderr')

function entry(slot: number, text: string, more: Partial<LogEntry> = {}): LogEntry {
  const file = files.get(slot) ?? logFile('/logs', slot)
  return { file, time: undefined, pid: undefined, text, order: 0, ...more }
}

function printed(entries: readonly LogEntry[], options: Columns & { json?: boolean; colour?: boolean } = {}) {
  const lines: string[] = []
  const terminal: Terminal = {
    json: options.json ?? false,
    width: 80,
    print: (text) => lines.push(text),
    note() {},
    printJson: (value) => lines.push(JSON.stringify(value)),
    style: (style, text) => (options.colour ? styleText(style, text, { validateStream: false }) : text),
  }
  const print = linePrinter(terminal, options)
  for (const one of entries) print(one)
  return lines
}

test('labels are as wide as the widest until then, stderr has another bar', () => {
  const lines = [entry(0, 'a'), entry(10, 'b'), entry(1, 'c'), entry(0, 'd', { file: errors })]
  assert.deepEqual(printed(lines), ['web/0 | a', 'web/10 | b', 'web/1  | c', 'web/0  ! d'])
})

test('labels that are expected make room for themselves', () => {
  assert.deepEqual(printed([entry(0, 'a')], { labels: ['web/0', 'web/100'] }), ['web/0   | a'])
})

test('what is indented goes on with the line before, without its label', () => {
  const lines = [
    entry(0, 'Error: x', { file: errors }),
    entry(0, '    at y', { file: errors }),
    entry(1, '  indented'),
  ]
  assert.deepEqual(printed(lines), ['web/0 ! Error: x', '      !     at y', 'web/1 |   indented'])
})

test('a slot keeps its colour, two slots differ, and colours change nothing else', () => {
  const lines = [entry(0, 'a'), entry(1, 'b'), entry(0, 'c')]
  const [first = '', second = '', third = ''] = printed(lines, { colour: true })
  const colourOf = (line: string): string => line.slice(0, line.indexOf('web'))
  assert.equal(colourOf(first), colourOf(third))
  assert.notEqual(colourOf(first), colourOf(second))
  assert.deepEqual([first, second, third].map(stripVTControlCharacters), printed(lines))
})

test('the time is that of the day here, with the date unless it is of today', () => {
  const time = new Date(2020, 0, 2, 3, 4, 5, 6).getTime()
  assert.deepEqual(printed([entry(0, 'a', { time })]), ['web/0 | 01-02 03:04:05.006 a'])
  assert.match(printed([entry(0, 'a', { time: Date.now() })])[0] ?? '', /^web\/0 \| \d\d:\d\d:\d\d\.\d{3} a$/)
})

test('a line longer than the terminal goes on beside the label', () => {
  const text = 'x'.repeat(40)
  const lines = printed([entry(0, text)], { width: 38 })
  assert.deepEqual(lines.join('\n').split('\n'), [`web/0 | ${'x'.repeat(30)}`, `      | ${'x'.repeat(10)}`])
  assert.deepEqual(printed([entry(0, text)]), [`web/0 | ${text}`], 'for other programs it stays whole')
})

test('no character is cut in two where a line goes on', () => {
  const text = `${'x'.repeat(29)}🐣${'x'.repeat(9)}`
  const lines = printed([entry(0, text)], { width: 38 })
  assert.deepEqual(lines.join('\n').split('\n'), [`web/0 | ${'x'.repeat(29)}`, `      | 🐣${'x'.repeat(9)}`])
})

test('JSON says what is known', () => {
  const time = Date.parse('2026-11-21T10:00:00.000Z')
  assert.deepEqual(
    printed([entry(1, 'a', { time, pid: 7 }), entry(0, 'b', { file: errors })], { json: true }),
    [
      '{"time":"2026-11-21T10:00:00.000Z","app":"web","slot":1,"stream":"stdout","pid":7,"line":"a"}',
      '{"app":"web","slot":0,"stream":"stderr","line":"b"}',
    ],
  )
})
