// Log files of a folder of their own, and what the reading half of `brood logs` makes of them.
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { LogEntry, LogQuery } from '../../../src/cli/logs/log-entry.ts'
import { followLogs } from '../../../src/cli/logs/log-follower.ts'
import { history } from '../../../src/cli/logs/log-history.ts'
import { mergeEntries } from '../../../src/cli/logs/merge-entries.ts'
import { StreamFiles } from '../../../src/cli/logs/stream-files.ts'
import type { LogFile } from '../../../src/daemon/log-files.ts'
import type { LogStream } from '../../../src/wire/log-line.ts'
import { logName } from '../../../src/wire/log-name.ts'

export function logFile(folder: string, slot = 0, stream: LogStream = 'stdout'): LogFile {
  return { app: 'web', slot, stream, path: join(folder, logName('web', slot, stream)) }
}

/** Where a log lies that was rotated at this second. */
export function rotatedLog({ path }: LogFile, second: number): string {
  return path.replace(/\.log$/, `.20261121T1000${`${second}`.padStart(2, '0')}.000Z.log`)
}

/** What `brood logs` prints of these files, each line as its text, with several files with the slot before it. */
export async function shown(files: readonly LogFile[], query: LogQuery): Promise<string[]> {
  const lines: string[] = []
  const streams = files.map((file) => new StreamFiles(file))
  await mergeEntries(
    streams.map((stream) => history(stream.file, stream.generations, query)),
    (entry) => lines.push(textOf(entry, files)),
  )
  for (const stream of streams) stream.close()
  return lines
}

export interface Following {
  readonly lines: string[]
  /** Settles when that many lines have come. */
  until(count: number): Promise<void>
  /** Ends it; all that was written before has come then. */
  end(): Promise<void>
}

/** Follows files from their present ends; it ends with the test. */
export function follow(t: TestContext, files: readonly LogFile[], query: LogQuery = {}): Following {
  const lines: string[] = []
  const heard = new EventTarget()
  const controller = new AbortController()
  const ended = followLogs(
    files.map((file) => new StreamFiles(file)),
    query,
    (entry) => {
      lines.push(textOf(entry, files))
      heard.dispatchEvent(new Event('line'))
    },
    controller.signal,
  )
  const end = (): Promise<void> => {
    controller.abort()
    return ended
  }
  t.after(end)
  return {
    lines,
    async until(count) {
      while (lines.length < count) await once(heard, 'line')
    },
    end,
  }
}

function textOf({ file, text }: LogEntry, files: readonly LogFile[]): string {
  return files.length > 1 ? `${file.slot} ${text}` : text
}
