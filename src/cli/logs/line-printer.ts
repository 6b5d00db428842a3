// Log lines for people, `web/0 | text`, aligned and coloured by slot; or as JSON for programs.
import type { LogFile } from '../../daemon/log-files.ts'
import type { Terminal } from '../terminal.ts'
import type { LogEntry, OnEntry } from './log-entry.ts'

/** Told apart on light and dark grounds; red is kept for stderr. */
const colours = [
  'cyan',
  'yellow',
  'green',
  'magenta',
  'blue',
  'cyanBright',
  'yellowBright',
  'greenBright',
] as const
const colourBegins = '\x1b'

export interface Columns {
  /** Of a terminal; without, lines are as long as they are. */
  readonly width?: number | undefined
  /** The labels that are to be expected; wider ones move the column. */
  readonly labels?: readonly string[]
}

export function labelOf({ app, slot }: LogFile): string {
  return `${app}/${slot}`
}

/** stderr has `!` for its bar. */
export function linePrinter(terminal: Terminal, { width, labels = [] }: Columns = {}): OnEntry {
  if (terminal.json) return (entry) => terminal.printJson(asJson(entry))
  let labelWidth = Math.max(0, ...labels.map(({ length }) => length))
  let before: LogEntry | undefined
  return (entry) => {
    const { file, text, time } = entry
    const label = labelOf(file)
    labelWidth = Math.max(labelWidth, label.length)
    const colour = colours[(sum(file.app) + file.slot) % colours.length] ?? 'cyan'
    const bar = file.stream === 'stderr' ? terminal.style('red', '!') : terminal.style('dim', '|')
    const clock = time === undefined ? '' : `${timeOfDay(time)} `
    // An indented line goes on with the one before, as in a stack trace: saying again whose it is would hide its shape.
    const goesOn = before?.file === file && /^\s/.test(text)
    const head = goesOn
      ? `${' '.repeat(labelWidth)} ${bar} ${' '.repeat(clock.length)}`
      : `${terminal.style(colour, label.padEnd(labelWidth))} ${bar} ${clock === '' ? '' : terminal.style('dim', clock)}`
    const indent = `${' '.repeat(labelWidth)} ${bar} ${' '.repeat(clock.length)}`
    const room = (width ?? Number.POSITIVE_INFINITY) - (labelWidth + 3 + clock.length)
    terminal.print(head + broken(text.replace(/\r$/, ''), room).join(`\n${indent}`))
    before = entry
  }
}

function asJson({ file: { app, slot, stream }, time, pid, text }: LogEntry): unknown {
  return {
    ...(time === undefined ? {} : { time: new Date(time).toISOString() }),
    app,
    slot,
    stream,
    ...(pid === undefined ? {} : { pid }),
    line: text,
  }
}

/** Local time; with the date unless it is of today. */
function timeOfDay(time: number): string {
  const at = new Date(time)
  const two = (part: number): string => `${part}`.padStart(2, '0')
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())} `
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const isToday = at.toDateString() === new Date().toDateString()
  return `${isToday ? '' : day}${clock}.${`${at.getMilliseconds()}`.padStart(3, '0')}`
}

/** Into pieces that fit beside the label; a text with colours of its own is left to the terminal. */
function broken(text: string, room: number): string[] {
  if (text.length <= room || room < 20 || text.includes(colourBegins)) return [text]
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    // Half a character would be printed as none.
    const end = isHighSurrogate(text, at + room - 1) ? at + room - 1 : at + room
    pieces.push(text.slice(at, end))
    at = end
  }
  return pieces
}

function isHighSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800
}

function sum(text: string): number {
  let total = 0
  for (const char of text) total = (total * 31 + (char.codePointAt(0) ?? 0)) % 65_521
  return total
}
