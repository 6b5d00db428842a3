// The files of one stream of one slot: those rotated and the one that is written to, followed through further rotations.
import { closeSync, fstatSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { LogFile } from '../../daemon/log-files.ts'
import { type RotatedFile, rotatedFiles } from '../../daemon/rotated-files.ts'
import {
  chunks,
  type Generation,
  identityOf,
  LineCutter,
  lastLineEnd,
  openPlain,
  type PlainFile,
} from './generation.ts'

type Present = Generation & { readonly fd: number }

export class StreamFiles {
  readonly file: LogFile
  #present: Present | undefined
  readonly #rotated: Generation[] = []
  /** Of the rotated files that are known. */
  readonly #stamps = new Set<string>()

  /** What is there now has been seen when it returns; `generations` is for reading it. */
  constructor(file: LogFile) {
    this.file = file
    let present: PlainFile | undefined
    let from = Number.NEGATIVE_INFINITY
    do {
      if (present !== undefined) closeSync(present.fd)
      present = openPlain(file.path)
      for (const { path, compressed, stamp, rotatedAt } of this.#newlyRotated()) {
        this.#stamps.add(stamp)
        const plain = compressed ? undefined : openPlain(path)
        if (plain !== undefined) closeSync(plain.fd)
        this.#rotated.push({
          path,
          identity: plain?.identity ?? '',
          compressed,
          end: plain?.size ?? 0,
          from,
          to: rotatedAt,
        })
        from = rotatedAt
      }
      // Rotated between its opening and the list, it is in the list, and maybe later ones are as well.
    } while (identityOf(file.path) !== present?.identity)
    if (present === undefined) return
    const { fd, identity, size, mtimeMs } = present
    const end = lastLineEnd(fd, size, 0)
    this.#present = { path: file.path, fd, identity, compressed: false, end, from, to: mtimeMs }
  }

  /** The oldest first, each as far as it has been seen. */
  get generations(): Generation[] {
    return this.#present === undefined ? this.#rotated : [...this.#rotated, this.#present]
  }

  /** Gives the whole lines that were written since the last time; `changed` is the file that did, if that is known. */
  read(changed: string | null, onLines: (lines: readonly string[]) => void): void {
    for (const generation of this.#rotated) {
      // Workers born before a rotation, and their children, can still write to the file it was then.
      if (changed === null || changed === basename(generation.path)) readLate(generation, onLines)
    }
    if (this.#present !== undefined) readOn(this.#present, this.#present.fd, onLines)
    while (identityOf(this.file.path) !== this.#present?.identity) {
      // Before the list of rotated ones is made, or one that comes and goes in between would be in neither, and be read too late.
      const opened = openPlain(this.file.path)
      this.#retire(onLines)
      if (identityOf(this.file.path) !== opened?.identity) {
        if (opened !== undefined) closeSync(opened.fd) // rotated meanwhile: it is in this list, or will be in the next
        continue
      }
      if (opened === undefined) return
      const { path } = this.file
      const { fd, identity } = opened
      this.#present = { ...generationOf(path, identity), fd }
      readOn(this.#present, fd, onLines)
    }
  }

  close(): void {
    if (this.#present !== undefined) closeSync(this.#present.fd)
    this.#present = undefined
  }

  /** The present file is the present one no more, and several may have come and gone since it was opened. */
  #retire(onLines: (lines: readonly string[]) => void): void {
    const old = this.#present
    if (old !== undefined) readOn(old, old.fd, onLines) // what was written until it was renamed
    this.close()
    let found = old === undefined
    for (const { path, compressed, stamp } of this.#newlyRotated()) {
      this.#stamps.add(stamp)
      const plain = compressed ? undefined : openPlain(path)
      if (old !== undefined && !found && (plain ?? old).identity === old.identity) {
        // The one we had open; if it has been compressed already, then it is the first of the new ones.
        found = true
        if (plain !== undefined) this.#rotated.push({ ...generationOf(path, old.identity), end: old.end })
      } else if (plain === undefined) {
        onLines(compressedLines(compressed ? path : `${path}.gz`))
      } else {
        const generation = generationOf(path, plain.identity)
        this.#rotated.push(generation)
        readOn(generation, plain.fd, onLines)
      }
      if (plain !== undefined) closeSync(plain.fd)
    }
  }

  #newlyRotated(): RotatedFile[] {
    const { app, slot, stream, path } = this.file
    const seen = new Set(this.#stamps)
    return rotatedFiles(dirname(path), app).filter((file) => {
      if (file.slot !== slot || file.stream !== stream || seen.has(file.stamp)) return false
      seen.add(file.stamp) // plain and compressed at the same time, for a moment
      return true
    })
  }
}

/** One that is read for the first time while it is followed. */
function generationOf(path: string, identity: string): Generation {
  return { path, identity, compressed: false, end: 0, from: 0, to: Number.POSITIVE_INFINITY }
}

function readLate(generation: Generation, onLines: (lines: readonly string[]) => void): void {
  const plain = openPlain(generation.path)
  if (plain === undefined) return // compressed or removed: nobody can write to it any more
  if (plain.identity === generation.identity) readOn(generation, plain.fd, onLines)
  closeSync(plain.fd)
}

function readOn(generation: Generation, fd: number, onLines: (lines: readonly string[]) => void): void {
  const { size } = fstatSync(fd)
  if (size < generation.end) generation.end = 0 // cut to nothing by somebody, who lets it begin anew
  const end = lastLineEnd(fd, size, generation.end)
  if (end <= generation.end) return
  const cutter = new LineCutter()
  for (const bytes of chunks(fd, generation.end, end)) onLines(cutter.cut(bytes))
  generation.end = end
}

function compressedLines(path: string): string[] {
  const { gunzipSync } = process.getBuiltinModule('node:zlib')
  try {
    return new LineCutter().cut(gunzipSync(readFileSync(path)))
  } catch {
    return [] // removed as the oldest one, before we came to it
  }
}
