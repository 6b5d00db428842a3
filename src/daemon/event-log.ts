// The history of what happened: the latest in memory for those who ask, all of it in a file of JSON lines.
import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs'
import type { Clock } from '../kernel/clock.ts'
import type { Notice } from '../supervisor/state.ts'

type HistoryType =
  | Exclude<Notice['type'], 'refused'>
  | 'worker-unwritten'
  | 'supervisor-started'
  | 'supervisor-stopped'

export interface HistoryEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly type: HistoryType
  readonly app?: string
  readonly slot?: number
  readonly pid?: number
  readonly reason?: string
}

const kept = 1000
/** The file is renamed to `….1` at this size, in bytes, so that the two together stay small. */
const rotateAt = 4 << 20

export class EventLog {
  readonly #path: string
  readonly #clock: Clock
  readonly #latest: HistoryEvent[]
  readonly #followers = new Set<(event: HistoryEvent) => void>()
  #size: number

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
    this.#latest = readLatest(path)
    this.#size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    // An earlier supervisor that died while it wrote left a torn line; what comes next gets one of its own.
    if (this.#size > 0 && !endsInNewline(path)) this.#append('\n')
  }

  add(event: Omit<HistoryEvent, 'at'>): void {
    const entry: HistoryEvent = { at: this.#clock.now(), ...event }
    this.#latest.push(entry)
    if (this.#latest.length > kept) this.#latest.shift()
    this.#append(`${JSON.stringify(entry)}\n`)
    for (const follow of this.#followers) follow(entry)
  }

  latest(app: string | undefined): HistoryEvent[] {
    return this.#latest.filter((event) => app === undefined || event.app === app)
  }

  /** Calls `follower` for every event to come; returns what ends it. */
  follow(follower: (event: HistoryEvent) => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  #append(line: string): void {
    try {
      const bytes = Buffer.byteLength(line)
      if (this.#size + bytes > rotateAt) {
        this.#size = 0 // before the rename, which fails when somebody has removed the file
        if (existsSync(this.#path)) renameSync(this.#path, `${this.#path}.1`)
      }
      appendFileSync(this.#path, line, { mode: 0o600 })
      this.#size += bytes
    } catch {
      // A full disk must not stop supervision; the latest events are in memory all the same.
    }
  }
}

function endsInNewline(path: string): boolean {
  try {
    return readFileSync(path).at(-1) === 0x0a
  } catch {
    return true
  }
}

/** What an earlier supervisor wrote; a torn last line is left out. */
function readLatest(path: string): HistoryEvent[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n')
    return lines.slice(-kept - 1).flatMap((line) => parse(line))
  } catch {
    return [] // none yet, or not readable: history is a help, not a need
  }
}

function parse(line: string): HistoryEvent[] {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'at' in value && 'type' in value
      ? [value as HistoryEvent] // written by this class; a stranger's line at least harms nobody
      : []
  } catch {
    return []
  }
}
