// Reads log files line by line: the last lines that are there, then what is appended.
import { closeSync, existsSync, type FSWatcher, fstatSync, openSync, readSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import type { LogFile } from '../daemon/log-files.ts'

export type OnLine = (file: LogFile, line: string) => void

/** How much of a file's end is searched for its last lines, and how much is read at once, in bytes. */
const tailBytes = 256 * 1024
const chunkBytes = 64 * 1024

interface Reader {
  readonly file: LogFile
  position: number
  decoder: StringDecoder
  partial: string
}

/** Prints the last `count` lines of each file; returns where each ends, for `followLogs` to go on from. */
export function printTails(files: readonly LogFile[], count: number, onLine: OnLine): Map<string, number> {
  const ends = new Map<string, number>()
  for (const file of files) {
    if (!existsSync(file.path)) continue
    const fd = openSync(file.path, 'r')
    try {
      const { size } = fstatSync(fd)
      const start = Math.max(0, size - tailBytes)
      const buffer = Buffer.alloc(size - start)
      const length = readSync(fd, buffer, 0, buffer.length, start)
      const read = buffer.subarray(0, length)
      // What follows the last newline is not yet a line; it is read again, whole. Counted in bytes: not all is UTF-8.
      const end = read.lastIndexOf(0x0a) + 1
      ends.set(file.path, start + end)
      // The first line is whole only at the beginning of the file.
      const begin = start === 0 ? 0 : read.indexOf(0x0a) + 1
      const lines = read.toString('utf8', begin, end).split('\n').slice(0, -1)
      for (const line of count === 0 ? [] : lines.slice(-count)) onLine(file, line)
    } finally {
      closeSync(fd)
    }
  }
  return ends
}

/** Calls `onLine` for what is appended to the files from `from` on, until `signal` ends it. */
export function followLogs(
  files: readonly LogFile[],
  from: ReadonlyMap<string, number>,
  onLine: OnLine,
  signal: AbortSignal,
): Promise<void> {
  const readers = files.map(
    (file): Reader => ({
      file,
      position: from.get(file.path) ?? 0,
      decoder: new StringDecoder('utf8'),
      partial: '',
    }),
  )
  const folders = new Set(files.map(({ path }) => dirname(path)))
  const watchers: FSWatcher[] = [...folders].map((folder) =>
    // A folder is watched, not its files: those of slots that do not run yet appear later.
    watch(folder, (_event, name) => {
      for (const reader of readers)
        if (name === null || name === basename(reader.file.path)) drain(reader, onLine)
    }),
  )
  for (const reader of readers) drain(reader, onLine)
  return new Promise((resolve) => {
    const end = (): void => {
      for (const watcher of watchers) watcher.close()
      for (const reader of readers) drain(reader, onLine)
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

function drain(reader: Reader, onLine: OnLine): void {
  if (!existsSync(reader.file.path)) return
  const fd = openSync(reader.file.path, 'r')
  try {
    if (fstatSync(fd).size < reader.position) {
      // Truncated or rotated: what was half a line will never be a whole one.
      reader.position = 0
      reader.partial = ''
      reader.decoder = new StringDecoder('utf8')
    }
    const buffer = Buffer.alloc(chunkBytes)
    for (;;) {
      const length = readSync(fd, buffer, 0, buffer.length, reader.position)
      if (length === 0) return
      reader.position += length
      const lines = (reader.partial + reader.decoder.write(buffer.subarray(0, length))).split('\n')
      reader.partial = lines.pop() ?? ''
      for (const line of lines) onLine(reader.file, line)
    }
  } finally {
    closeSync(fd)
  }
}
