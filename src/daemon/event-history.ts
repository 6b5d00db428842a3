// The history of what happened: kept in a database, and in memory for as long as that cannot be written.
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Clock, Millis } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import { type EventQuery, fits, type HistoryEvent, type NewEvent, usualEventLimit } from './event.ts'
import { EventDatabase, firstIdAt, isDamage, setAside } from './event-database.ts'

const usualBounds = {
  age: 30 * 24 * 3_600_000,
  bytes: 16 << 20,
}

/** How many events wait in memory for a disk with room; the oldest go first. */
const mostUnwritten = 1000
/** Between two looks at age and size, in events. */
const pruneEvery = 64
/** What a program says when it dies can be long. */
const longestText = 4096
const mostLines = 64

type Follower = (event: HistoryEvent) => void

export class EventHistory {
  readonly #path: string
  readonly #clock: Clock
  readonly #bounds: { readonly age: Millis; readonly bytes: number }
  readonly #followers = new Set<Follower>()
  #database: EventDatabase | undefined
  #unwritten: HistoryEvent[] = []
  #lost = 0
  #lastId = 0
  #untilPrune = 0

  constructor(path: string, clock: Clock, bounds: { age: Millis; bytes: number } = usualBounds) {
    this.#path = path
    this.#clock = clock
    this.#bounds = bounds
  }

  /** Never throws: a full disk or a broken file must not stop supervision. */
  add(event: NewEvent): void {
    this.#open()
    this.#take(event)
    this.#write()
  }

  /** The latest that fit, in the order in which they happened. */
  query(query: EventQuery = {}): HistoryEvent[] {
    this.#open()
    this.#write()
    const waiting = this.#unwritten.filter((event) => fits(event, query))
    return [...this.#read(query), ...waiting].slice(-(query.limit ?? usualEventLimit))
  }

  /** Calls `follower` for every event to come; returns what ends it. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** An event that comes after it opens the file again. */
  close(): void {
    this.#write()
    this.#drop()
  }

  #take(event: NewEvent): void {
    const at = this.#clock.now()
    this.#lastId = Math.max(firstIdAt(at), this.#lastId + 1)
    const entry: HistoryEvent = { id: this.#lastId, at, ...bounded(event) }
    this.#unwritten.push(entry)
    if (this.#unwritten.length > mostUnwritten) {
      this.#unwritten.shift()
      this.#lost++
    }
    for (const follow of this.#followers) follow(entry)
  }

  /** Tried again with each event: a disk gets room again, and whoever reads the file ends. */
  #open(): void {
    if (this.#database !== undefined) return
    try {
      this.#database = new EventDatabase(this.#path, { create: true, wait: 0 })
      this.#lastId = Math.max(this.#lastId, this.#database.newestId)
      this.#untilPrune = 0
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Once more when it had to begin a new file. */
  #write(again = true): void {
    if (this.#database === undefined || this.#unwritten.length === 0) return
    try {
      if (this.#lost > 0) {
        const reason = `${this.#lost} could not be written in time`
        this.#lost = 0
        this.#take({ type: 'events-lost', reason })
      }
      this.#database.append(this.#unwritten)
      this.#untilPrune -= this.#unwritten.length
      this.#unwritten = []
      if (this.#untilPrune <= 0) this.#prune(this.#database)
    } catch (error) {
      this.#failed(error)
      if (again) this.#write(false)
    }
  }

  #prune(database: EventDatabase): void {
    this.#untilPrune = pruneEvery
    // Somebody has removed it: what is written to it would be gone with this process.
    if (!existsSync(this.#path)) return this.#drop()
    const before = firstIdAt(this.#clock.now() - this.#bounds.age)
    database.prune({ before, bytes: this.#bounds.bytes })
  }

  #read(query: EventQuery): HistoryEvent[] {
    this.#open() // what cannot be written to may still be read
    try {
      return this.#database?.query(query) ?? []
    } catch (error) {
      this.#failed(error)
      return []
    }
  }

  /** A file that is damaged is set aside for people to look at, and a new one begun. */
  #failed(error: unknown): void {
    this.#drop()
    if (!isDamage(error)) return
    try {
      setAside(this.#path)
    } catch {
      return // the next event tries again
    }
    const name = basename(this.#path)
    this.#take({
      type: 'history-unreadable',
      reason: `${name} (${messageOf(error)}) was set aside as ${name}.unreadable`,
    })
    this.#open()
  }

  #drop(): void {
    try {
      this.#database?.close()
    } catch {
      // What it could not finish is in its write-ahead log, for the next to open it.
    }
    this.#database = undefined
  }
}

function bounded(event: NewEvent): NewEvent {
  const { reason, cause, detail } = event
  return {
    ...event,
    ...(reason === undefined ? {} : { reason: reason.slice(0, longestText) }),
    ...(cause === undefined ? {} : { cause: cause.slice(0, longestText) }),
    ...(detail === undefined
      ? {}
      : { detail: detail.slice(0, mostLines).map((line) => line.slice(0, longestText / 8)) }),
  }
}
