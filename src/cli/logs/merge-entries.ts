// Puts the lines of several streams into one order, that of their times, as they are read.
import type { LogEntry, OnEntry } from './log-entry.ts'

interface Source {
  readonly batches: AsyncIterator<LogEntry[]>
  batch: readonly LogEntry[]
  at: number
}

/** The order within a stream is kept; of lines of the same time that of an earlier stream comes first. */
export async function mergeEntries(
  streams: readonly AsyncIterable<LogEntry[]>[],
  onEntry: OnEntry,
): Promise<void> {
  let sources: Source[] = streams.map((stream) => ({
    batches: stream[Symbol.asyncIterator](),
    batch: [],
    at: 0,
  }))
  for (const source of sources) await fill(source)
  for (;;) {
    sources = sources.filter(({ batch }) => batch.length > 0)
    const first = earliest(sources)
    if (first === undefined) return
    const next = earliest(sources.filter((source) => source !== first))
    // As long as no other stream has something earlier, there is nothing to compare.
    const isBefore = next !== undefined && sources.indexOf(next) < sources.indexOf(first)
    const limit = next === undefined ? Number.POSITIVE_INFINITY : orderOf(next)
    do {
      const entry = first.batch[first.at++]
      if (entry !== undefined) onEntry(entry)
      if (first.at === first.batch.length) await fill(first)
    } while (first.batch.length > 0 && (isBefore ? orderOf(first) < limit : orderOf(first) <= limit))
  }
}

/** Until there is a line, or none will come. */
async function fill(source: Source): Promise<void> {
  source.at = 0
  do {
    const { value, done } = await source.batches.next()
    source.batch = done ? [] : value
    if (done) return
  } while (source.batch.length === 0)
}

function earliest(sources: readonly Source[]): Source | undefined {
  let first = sources[0]
  for (const source of sources) if (first !== undefined && orderOf(source) < orderOf(first)) first = source
  return first
}

function orderOf({ batch, at }: Source): number {
  return batch[at]?.order ?? Number.POSITIVE_INFINITY
}
