// What stands in the files of one stream already: its last lines, or all since a time, through rotated and compressed files.
import type { LogFile } from '../../daemon/log-files.ts'
import type { Millis } from '../../kernel/clock.ts'
import { parseLogLine } from '../../wire/log-line.ts'
import { type Generation, linesOf } from './generation.ts'
import { EntryOrder, isAskedFor, type LogEntry, type LogQuery } from './log-entry.ts'

/** How much of a file's end is searched for its last lines first, in bytes; then so many times more. */
const firstSearch = 256 * 1024
const searchMore = 8

/** The lines asked for, in batches, the oldest first. */
export async function* history(
  file: LogFile,
  generations: readonly Generation[],
  query: LogQuery,
): AsyncGenerator<LogEntry[]> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, lines } = query
  const concerned = generations.filter(({ from, to }) => to >= since && from <= until)
  if (lines !== undefined) {
    yield await lastLines(file, concerned, query, lines)
    return
  }
  const order = new EntryOrder(file)
  for (const generation of concerned)
    yield* entriesOf(generation, await beginningOf(generation, since), order, query)
}

async function lastLines(
  file: LogFile,
  generations: readonly Generation[],
  query: LogQuery,
  count: number,
): Promise<LogEntry[]> {
  let found: LogEntry[] = []
  for (const generation of generations.toReversed()) {
    if (found.length >= count) break
    found = [...(await lastOf(file, generation, query, count - found.length)), ...found]
  }
  return found
}

async function lastOf(
  file: LogFile,
  generation: Generation,
  query: LogQuery,
  count: number,
): Promise<LogEntry[]> {
  const beginning = await beginningOf(generation, query.since ?? Number.NEGATIVE_INFINITY)
  for (const start of starts(generation)) {
    const found: LogEntry[] = []
    for await (const batch of entriesOf(
      generation,
      Math.max(start, beginning),
      new EntryOrder(file),
      query,
    )) {
      found.push(...batch)
      if (found.length > 2 * count + batch.length) found.splice(0, found.length - count)
    }
    if (found.length >= count || start <= beginning) return found.slice(-count)
  }
  return []
}

/** A place before which no line is from after `since`, found from the end on: logs are long, and people ask for minutes. */
async function beginningOf(generation: Generation, since: Millis): Promise<number> {
  if (since <= generation.from) return 0
  for (const start of starts(generation)) {
    const { value: lines = [] } = await linesOf(generation, start).next()
    const times = lines.map((line: string) => parseLogLine(line).time)
    const first = times.find((time: Millis | undefined) => time !== undefined)
    if (first !== undefined && first < since) return start
  }
  return 0
}

/** Where to begin reading, further and further back. */
function* starts({ compressed, end }: Generation): Generator<number> {
  for (let length = firstSearch; !compressed && length < end; length *= searchMore) yield end - length
  yield 0
}

async function* entriesOf(
  generation: Generation,
  start: number,
  order: EntryOrder,
  query: LogQuery,
): AsyncGenerator<LogEntry[]> {
  for await (const lines of linesOf(generation, start)) {
    const entries = lines.map((line) => order.entry(line, generation.from))
    yield entries.filter((entry) => isAskedFor(query, entry, generation))
  }
}
