// One line of a log: how the formats write it, and how it is read back from a file that may hold several of them.

export type LogStream = 'stdout' | 'stderr'
export type LogFormat = 'raw' | 'text' | 'json'

export interface LogLine {
  /** Milliseconds since the epoch; undefined for a line that was written without. */
  readonly time: number | undefined
  readonly pid: number | undefined
  readonly text: string
}

/** Puts lines, each with its newline, into the form they have in the file. */
export type LineFormat = (lines: string, now: number) => string

export function lineFormat(
  format: 'text' | 'json',
  writer: { stream: LogStream; slot: number; pid: number },
): LineFormat {
  const { stream, slot, pid } = writer
  const head = format === 'text' ? textHead : (time: string) => jsonHead(time, stream, slot, pid)
  const body = format === 'text' ? (line: string) => line : (line: string) => `${JSON.stringify(line)}}`
  // Many lines come within one millisecond; making the time of each anew would be the dearest part.
  let at = Number.NaN
  let before = ''
  return (lines, now) => {
    if (now !== at) {
      at = now
      before = head(new Date(now).toISOString())
    }
    const only = lines.length - 1
    if (lines.indexOf('\n') === only) return `${before}${body(lines.slice(0, only))}\n`
    return `${lines
      .slice(0, only)
      .split('\n')
      .map((line) => before + body(line))
      .join('\n')}\n`
  }
}

const textHead = (time: string): string => `${time} `

function jsonHead(time: string, stream: LogStream, slot: number, pid: number): string {
  return `{"time":"${time}","stream":"${stream}","slot":${slot},"pid":${pid},"line":`
}

const timed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /
const timeLength = '2026-11-21T10:00:00.000Z'.length

/**
 * Tells by the line itself in which format it was written: one file can hold several, because settings change and because what a
 * child process or Node itself writes to descriptor 1 or 2 is raw.
 */
export function parseLogLine(line: string): LogLine {
  if (line.startsWith('{"time":"')) return parseJson(line) ?? raw(line)
  if (!timed.test(line)) return raw(line)
  return timedLine(line.slice(0, timeLength), line.slice(timeLength + 1)) ?? raw(line)
}

function parseJson(line: string): LogLine | undefined {
  try {
    const { time, stream, pid, line: text }: Record<string, unknown> = JSON.parse(line)
    if (typeof time !== 'string' || typeof text !== 'string' || typeof pid !== 'number') return undefined
    return stream === undefined ? undefined : timedLine(time, text, pid)
  } catch {
    return undefined // the program's own line, or half a line from a full disk
  }
}

function timedLine(time: string, text: string, pid?: number): LogLine | undefined {
  const at = Date.parse(time)
  return Number.isNaN(at) ? undefined : { time: at, pid, text }
}

function raw(text: string): LogLine {
  return { time: undefined, pid: undefined, text }
}
