// The events in a file of SQLite: whole after a kill at any moment, readable for its owner only, and kept small.
import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { type EventQuery, type HistoryEvent, usualEventLimit } from './event.ts'

/** Marks the file as ours: 'brod'. */
const applicationId = 0x62_72_6f_64
const schemaVersion = 1

/**
 * Exclusive, because then SQLite keeps its index of the write-ahead log on the heap: a shared-memory file that somebody truncates,
 * or that finds no room on the disk, would end this process with SIGBUS. NORMAL: the disk is waited for at checkpoints only, so
 * that a kill loses nothing, and a power failure the latest events at most.
 */
const settings = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -64;
  PRAGMA wal_autocheckpoint = 128;
  PRAGMA journal_size_limit = 524288;
`

const schema = `
  BEGIN;
  CREATE TABLE events (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL,
    app TEXT, slot INTEGER, pid INTEGER, reason TEXT, cause TEXT, detail TEXT
  ) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
  COMMIT;
`

/** An id that another writer has used meanwhile is no reason to lose an event. */
const insertion = `
  INSERT INTO events VALUES (max(?, (SELECT ifnull(max(id), 0) + 1 FROM events)), ?, ?, ?, ?, ?, ?, ?, ?)
`

/** Ids grow and begin with the time, so this is all that a question about the last hour has to read. */
export function firstIdAt(at: number): number {
  return at * 1000
}

export class EventDatabase {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync

  /** With `create: false` for a reader: the file must be there. Waits so many milliseconds for another process to let go of it. */
  constructor(path: string, options: { create: boolean; wait: number }) {
    // Before SQLite does it: its files would be readable for everybody. The write-ahead log takes over the mode.
    if (options.create) closeSync(openSync(path, 'a', 0o600))
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
    this.#database = new DatabaseSync(path, { timeout: options.wait })
    try {
      this.#database.exec('PRAGMA locking_mode = EXCLUSIVE')
      const isEmpty = this.#isEmpty()
      if (!isEmpty) this.#assertOurs() // before anything is changed in it
      // Said to a database that is there, it would be written to it, and a history could not be read on a full disk.
      if (isEmpty) this.#database.exec('PRAGMA auto_vacuum = INCREMENTAL')
      this.#database.exec(settings)
      if (isEmpty) this.#database.exec(schema)
      this.#insert = this.#database.prepare(insertion)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** All of them or none. */
  append(events: readonly HistoryEvent[]): void {
    const [only, ...more] = events
    if (only === undefined) return
    if (more.length === 0) return this.#append(only)
    this.#database.exec('BEGIN')
    for (const event of events) this.#append(event)
    this.#database.exec('COMMIT')
  }

  /** In the order in which they happened. */
  query({ app, since, until, types, limit = usualEventLimit }: EventQuery): HistoryEvent[] {
    const conditions: string[] = []
    const values: (string | number)[] = []
    const where = (condition: string, ...its: (string | number)[]): void => {
      conditions.push(condition)
      values.push(...its)
    }
    if (app !== undefined) where('app = ?', app)
    // Where the clock was set back, ids run ahead of the time.
    if (since !== undefined) where('id >= ? AND at >= ?', firstIdAt(since), since)
    if (until !== undefined) where('at <= ?', until)
    if (types !== undefined) where(`type IN (${types.map(() => '?').join(', ')})`, ...types)
    const rows = this.#database
      .prepare(
        `SELECT * FROM events ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`} ORDER BY id DESC LIMIT ?`,
      )
      .all(...values, limit)
    return rows.map(asEvent).reverse()
  }

  get newestId(): number {
    return this.#number('SELECT ifnull(max(id), 0) AS value FROM events')
  }

  /** Removes what is older than that id, and the oldest tenth as long as there is too much; the newest stays. */
  prune(bounds: { before: number; bytes: number }): void {
    this.#database
      .prepare('DELETE FROM events WHERE id < min(?, (SELECT max(id) FROM events))')
      .run(bounds.before)
    while (this.#usedBytes() > bounds.bytes) {
      const count = this.#number('SELECT count(*) AS value FROM events')
      if (count < 2) break
      const tenth = Math.ceil(count / 10)
      this.#database
        .prepare('DELETE FROM events WHERE id < (SELECT id FROM events ORDER BY id LIMIT 1 OFFSET ?)')
        .run(Math.min(tenth, count - 1))
    }
    this.#database.exec('PRAGMA incremental_vacuum(512)') // at most 2 MB at a time: the supervisor waits for it
  }

  close(): void {
    this.#database.close()
  }

  #append({ id, at, type, app, slot, pid, reason, cause, detail }: HistoryEvent): void {
    const lines = detail === undefined ? null : JSON.stringify(detail)
    this.#insert.run(
      id,
      at,
      type,
      app ?? null,
      slot ?? null,
      pid ?? null,
      reason ?? null,
      cause ?? null,
      lines,
    )
  }

  #isEmpty(): boolean {
    return this.#number('SELECT count(*) AS value FROM sqlite_schema') === 0
  }

  #assertOurs(): void {
    const id = this.#number('SELECT application_id AS value FROM pragma_application_id')
    const version = this.#number('SELECT user_version AS value FROM pragma_user_version')
    if (id !== applicationId) throw new ForeignFile('is a database of another program')
    if (version !== schemaVersion) throw new ForeignFile(`is of another version of brood (${version})`)
  }

  #usedBytes(): number {
    const pages = 'SELECT (page_count - freelist_count) * page_size AS value'
    return this.#number(`${pages} FROM pragma_page_count, pragma_freelist_count, pragma_page_size`)
  }

  #number(query: string): number {
    return Number(this.#database.prepare(query).get()?.value)
  }
}

/** What happened before, for whoever finds no supervisor to ask; undefined when nothing was ever written. */
export function readEvents(path: string, query: EventQuery): HistoryEvent[] | undefined {
  if (!existsSync(path)) return undefined
  try {
    const database = new EventDatabase(path, { create: false, wait: 2000 })
    try {
      return database.query(query)
    } finally {
      database.close()
    }
  } catch (cause) {
    const what = isDamage(cause) ? 'the next supervisor sets it aside and begins anew' : 'try again'
    throw new BroodError('home_unusable', `cannot read ${path} (${messageOf(cause)}): ${what}`, { cause })
  }
}

class ForeignFile extends Error {}

/** SQLite's result codes for a file that is torn, or no database. */
const damages = [11, 26]

/** Whether the file itself is at fault, and not the disk or somebody who uses it. */
export function isDamage(error: unknown): boolean {
  if (error instanceof ForeignFile) return true
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return false
  return typeof error.errcode === 'number' && damages.includes(error.errcode & 0xff)
}

/** Renames the file, with what SQLite keeps beside it, in place of what was set aside before. */
export function setAside(path: string): void {
  for (const suffix of ['', '-wal', '-journal', '-shm']) {
    rmSync(`${path}.unreadable${suffix}`, { force: true })
    if (existsSync(path + suffix)) renameSync(path + suffix, `${path}.unreadable${suffix}`)
  }
}

function asEvent(row: Record<string, unknown>): HistoryEvent {
  const { detail, ...rest } = row
  const there = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
  const lines = typeof detail === 'string' ? { detail: JSON.parse(detail) } : {}
  return { ...there, ...lines } as HistoryEvent // the schema's columns, and nobody else writes to the file
}
