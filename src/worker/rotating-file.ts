// A log that its writers rotate themselves, between two lines: renamed under a time stamp, and begun anew under its old name.
import { rotatedPath, rotationLock } from '../wire/log-name.ts'

// Taken once: the program's own view of these functions is replaced (see standard-descriptors.ts).
const { closeSync, constants, existsSync, fstatSync, openSync, renameSync, rmSync, statSync, writeSync } =
  process.getBuiltinModule('node:fs')

const append = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT
const newline = 0x0a

/** Milliseconds between two looks at whether a sibling has rotated the file. */
const lookEvery = 100
/** Milliseconds until a rotation that failed is tried again. */
const retryAfter = 1000
/** Milliseconds after which a lock is one that was left behind. */
const lockLasts = 5000

export interface Rotation {
  /** Bytes; 0: by size never. */
  readonly size: number
  /** Milliseconds; rotated at multiples of it since the epoch, so that a day begins at midnight UTC. 0: by time never. */
  readonly every: number
}

export interface FileEvents {
  /** What was to be written is lost, or the file could not be rotated; `code` is the system's. */
  failed(code: string): void
  /** What was written until now is at that path. */
  rotated(path: string): void
}

/**
 * Several processes may write to one path: during a reload a slot has two workers. Each has a descriptor of its own, so a
 * rename loses nothing: what another still writes to the renamed file is in it, and with its next look it follows.
 */
export class RotatingFile {
  readonly #path: string
  readonly #lockPath: string
  /** Written to while the path cannot be opened. */
  readonly #fallback: number
  readonly #rotation: Rotation
  readonly #events: FileEvents
  readonly #now: () => number
  #fd: number | undefined
  #inode = -1
  #size = 0
  /** When the file is due by time. */
  #until = Number.POSITIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  /** Whether what was written last ended with a newline: only then may the next line go to another file. */
  #atLineStart = true
  /** Whether the file ends with half a line whose rest is lost. */
  #torn = false

  constructor(
    path: string,
    fallback: number,
    rotation: Rotation,
    events: FileEvents,
    now: () => number = Date.now,
  ) {
    this.#path = path
    this.#lockPath = rotationLock(path)
    this.#fallback = fallback
    this.#rotation = rotation
    this.#events = events
    this.#now = now
  }

  /** The bytes are in the kernel's hands when it returns; it never throws. */
  append(bytes: Uint8Array): void {
    const now = this.#now()
    if (this.#atLineStart) {
      // The clock may have been set back, too.
      if (Math.abs(now - this.#lookedAt) >= lookEvery) this.#look(now)
      if (this.#isDue(now, bytes.length)) this.#rotate(now, bytes.length)
    }
    this.#write(this.#torn ? Buffer.concat([Buffer.of(newline), bytes]) : bytes)
  }

  #isDue(now: number, coming: number): boolean {
    if (this.#fd === undefined || this.#size === 0) return false
    const { size } = this.#rotation
    return (size > 0 && this.#size + coming > size) || now >= this.#until
  }

  /** Makes sure that the descriptor is open on what has the path now, and learns its size: others write to it as well. */
  #look(now: number): void {
    this.#lookedAt = now
    try {
      const there = statSync(this.#path, { throwIfNoEntry: false })
      if (this.#fd !== undefined && there?.ino === this.#inode) this.#size = there.size
      else this.#open(now)
    } catch {
      // No descriptor left, or no right to the folder: the file that is open takes the lines, until a later look.
    }
  }

  #open(now: number): void {
    const fd = openSync(this.#path, append, 0o600)
    const { ino, size, mtimeMs } = fstatSync(fd)
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = fd
    this.#torn = false
    this.#inode = ino
    this.#size = size
    const { every } = this.#rotation
    // All lines of a file are of one period, so its last one tells which.
    if (every > 0) this.#until = (Math.floor((size > 0 ? mtimeMs : now) / every) + 1) * every
  }

  #rotate(now: number, coming: number): void {
    if (Math.abs(now - this.#failedAt) < retryAfter) return
    try {
      if (!this.#lock()) return // a sibling is at it; until it is done the old file takes the lines
      try {
        this.#look(now) // a sibling may have been first
        if (!this.#isDue(now, coming)) return
        const target = this.#freeName()
        renameSync(this.#path, target)
        this.#look(now)
        this.#events.rotated(target)
      } finally {
        rmSync(this.#lockPath, { force: true })
      }
    } catch (error) {
      this.#failedAt = now
      this.#events.failed(codeOf(error))
    }
  }

  /**
   * One process rotates at a time: two that rename one after the other could give an older file the later stamp. Whoever dies in
   * those microseconds leaves the lock behind, so it counts for a while only.
   */
  #lock(): boolean {
    try {
      closeSync(openSync(this.#lockPath, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600))
      return true
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const lock = statSync(this.#lockPath, { throwIfNoEntry: false })
    if (lock !== undefined && Math.abs(Date.now() - lock.mtimeMs) > lockLasts)
      rmSync(this.#lockPath, { force: true })
    this.#lookedAt = Number.NEGATIVE_INFINITY // to follow it with the next line
    return false
  }

  #freeName(): string {
    for (let at = this.#now(); ; at++) {
      const path = rotatedPath(this.#path, at)
      if (!existsSync(path) && !existsSync(`${path}.gz`)) return path
    }
  }

  #write(bytes: Uint8Array): void {
    let written = 0
    try {
      while (written < bytes.length)
        written += writeSync(this.#fd ?? this.#fallback, bytes, written, bytes.length - written)
    } catch (error) {
      this.#events.failed(codeOf(error))
    }
    this.#size += written
    const endsLine = written === 0 ? this.#atLineStart && !this.#torn : bytes[written - 1] === newline
    const complete = written === bytes.length
    // What comes next is another line, whether or not this one is whole.
    this.#torn = !complete && !endsLine
    this.#atLineStart = endsLine || !complete
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error) // thrown by functions of node:fs
}
