// A line as it is shown: whose it is, when it was written as far as that is known, and whether somebody asked for it.
import type { LogFile } from '../../daemon/log-files.ts'
import type { Millis } from '../../kernel/clock.ts'
import { parseLogLine } from '../../wire/log-line.ts'

export interface LogEntry {
  readonly file: LogFile
  /** As it stands in the line. */
  readonly time: Millis | undefined
  readonly pid: number | undefined
  readonly text: string
  /** Its place among the lines of other files: never less than that of the line before it in its own file. */
  readonly order: Millis
}

export type OnEntry = (entry: LogEntry) => void

export interface LogQuery {
  /** How many of the last lines of each file; all when undefined. */
  readonly lines?: number | undefined
  readonly since?: Millis | undefined
  readonly until?: Millis | undefined
  readonly grep?: RegExp | undefined
}

/** Makes entries of the lines of one stream, in their order; `from` is the earliest the next line can be from. */
export class EntryOrder {
  readonly #file: LogFile
  #order = Number.NEGATIVE_INFINITY
  #time: Millis | undefined

  constructor(file: LogFile) {
    this.#file = file
  }

  entry(line: string, from: Millis): LogEntry & { known: Millis | undefined } {
    const { time, pid, text } = parseLogLine(line)
    // A line without a time among lines that have one, such as those of a stack trace, belongs to the one before.
    this.#time = time ?? this.#time
    this.#order = Math.max(this.#order, this.#time ?? from)
    return { file: this.#file, time, pid, text, order: this.#order, known: this.#time }
  }
}

/** Of a line of unknown time only what is known of its file speaks against it: written before `from` or after `to` it was not. */
export function isAskedFor(
  { since, until, grep }: LogQuery,
  { text, known }: { text: string; known: Millis | undefined },
  { from, to }: { from: Millis; to: Millis },
): boolean {
  if (since !== undefined && (known ?? to) < since) return false
  if (until !== undefined && (known ?? from) > until) return false
  return grep === undefined || grep.test(text)
}
