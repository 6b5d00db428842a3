// Follows the logs of several slots: what is written from now on, in the order of its time, through rotations.
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type Clock, type Millis, systemClock } from '../../kernel/clock.ts'
import { BroodError, messageOf, systemCode } from '../../kernel/errors.ts'
import { logName, parseRotatedName } from '../../wire/log-name.ts'
import { EntryOrder, isAskedFor, type LogEntry, type LogQuery, type OnEntry } from './log-entry.ts'
import type { StreamFiles } from './stream-files.ts'

/** A line is held back so long for earlier ones that another process is about to write. */
const settles: Millis = 25

interface Held {
  readonly entry: LogEntry
  readonly readAt: Millis
}

/** Gives what is written after each stream was opened, until `signal` ends it; closes the streams. */
export function followLogs(
  streams: readonly StreamFiles[],
  query: Pick<LogQuery, 'since' | 'until' | 'grep'>,
  onEntry: OnEntry,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const followed = new Map(
    streams.map((stream) => [
      basename(stream.file.path),
      { stream, order: new EntryOrder(stream.file), changed: new Set<string | null>() },
    ]),
  )
  let held: Held[] = []
  let awaited: (() => void) | undefined

  const changed = (name: string | null): void => {
    const rotated = name === null ? undefined : parseRotatedName(name)
    const present = rotated === undefined ? name : logName(rotated.app, rotated.slot, rotated.stream)
    for (const [key, one] of followed) if (present === null || present === key) one.changed.add(name)
    awaited ??= clock.at(clock.now(), look) // all that changed in one turn is read and put in order together
  }

  const look = (): void => {
    awaited = undefined
    const now = clock.now()
    readChanges(now)
    show(now - settles)
    if (held.length > 0) awaited ??= clock.at(now + settles, look)
  }

  const readChanges = (now: Millis): void => {
    for (const { stream, order, changed } of followed.values()) {
      for (const name of changed) {
        stream.read(name, (lines) => {
          for (const line of lines) {
            const entry = order.entry(line, now)
            if (isAskedFor(query, entry, { from: now, to: now })) held.push({ entry, readAt: now })
          }
        })
      }
      changed.clear()
    }
  }

  const show = (until: Millis): void => {
    held.sort((a, b) => a.entry.order - b.entry.order)
    // A clock that was set back must not hold a line for ever: it counts, too, how long it has been here.
    const ripe = held.findLastIndex(({ entry, readAt }) => entry.order <= until || readAt <= until) + 1
    for (const { entry } of held.slice(0, ripe)) onEntry(entry)
    held = held.slice(ripe)
  }

  // A folder is watched, not its files: they are renamed, and those of slots that do not run yet appear later.
  const folders = new Set(streams.map(({ file }) => dirname(file.path)))
  const watchers: FSWatcher[] = [...folders].map((folder) => watched(folder, changed))
  changed(null)
  return new Promise((resolve) => {
    const end = (): void => {
      for (const watcher of watchers) watcher.close()
      awaited?.()
      changed(null)
      awaited?.()
      readChanges(clock.now())
      show(Number.POSITIVE_INFINITY)
      for (const stream of streams) stream.close()
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

function watched(folder: string, changed: (name: string | null) => void): FSWatcher {
  try {
    return watch(folder, (_event, name) => changed(name))
  } catch (cause) {
    const advice =
      systemCode(cause) === 'ENOENT'
        ? "it has been removed: 'brood reload all' makes it anew, with the files of new workers"
        : messageOf(cause)
    throw new BroodError('home_unusable', `${folder} cannot be watched: ${advice}`, { cause })
  }
}
