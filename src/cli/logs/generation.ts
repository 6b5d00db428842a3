// One file of a log's line of files: the one that is written to, or one that was rotated, plain or compressed.
import { closeSync, createReadStream, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { fileIdentity } from '../../process/open-files.ts'

const newline = 0x0a
/** How much is read at once, in bytes. */
const chunkBytes = 64 * 1024

export interface Generation {
  readonly path: string
  /** Of the one that is written to: its path can belong to another file at any moment. */
  readonly fd?: number
  /** Device and inode; of a compressed one it says nothing. */
  readonly identity: string
  readonly compressed: boolean
  /** How far it has been seen, in bytes: at the end of a whole line. */
  end: number
  /** Its lines were not written before that, and not after: what is known without times in the lines. */
  readonly from: number
  readonly to: number
}

export interface PlainFile {
  readonly fd: number
  readonly identity: string
  readonly size: number
  readonly mtimeMs: number
}

/** Undefined when it is not there. */
export function openPlain(path: string): PlainFile | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return undefined
  }
  const stat = fstatSync(fd)
  return { fd, identity: fileIdentity(stat), size: stat.size, mtimeMs: stat.mtimeMs }
}

export function identityOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat && fileIdentity(stat)
}

/** The whole lines of a generation up to its `end`, from the first that begins at or after `start`; a batch for each piece read. */
export async function* linesOf(generation: Generation, start: number): AsyncGenerator<string[]> {
  const { path, fd, end, compressed, identity } = generation
  if (fd !== undefined) {
    yield* plainLines(fd, start, end)
    return
  }
  const plain = compressed ? undefined : openPlain(path)
  if (plain !== undefined && plain.identity === identity) {
    try {
      yield* plainLines(plain.fd, start, end)
    } finally {
      closeSync(plain.fd)
    }
    return
  }
  if (plain !== undefined) closeSync(plain.fd)
  yield* compressedLines(compressed ? path : `${path}.gz`) // compressed since it was seen
}

function* plainLines(fd: number, start: number, end: number): Generator<string[]> {
  const cutter = new LineCutter()
  // Where the byte before is a newline, a line begins.
  let position = Math.max(0, start - 1)
  let inLine = start > 0
  for (const bytes of chunks(fd, position, end)) {
    position += bytes.length
    const begin = inLine ? bytes.indexOf(newline) + 1 : 0
    if (inLine && begin === 0) continue
    inLine = false
    yield cutter.cut(bytes.subarray(begin))
  }
}

/** Reads up to `end`; the buffer is used again for each piece. */
export function* chunks(fd: number, start: number, end: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (let position = start; position < end; ) {
    const length = readSync(fd, buffer, 0, Math.min(buffer.length, end - position), position)
    if (length === 0) return
    position += length
    yield buffer.subarray(0, length)
  }
}

async function* compressedLines(path: string): AsyncGenerator<string[]> {
  const { createGunzip } = process.getBuiltinModule('node:zlib')
  const cutter = new LineCutter()
  const source = createReadStream(path)
  const unzipped = createGunzip()
  source.on('error', (error) => unzipped.destroy(error)).pipe(unzipped)
  try {
    for await (const bytes of unzipped) yield cutter.cut(bytes)
    yield cutter.cut(Buffer.of(newline)).filter((line) => line !== '') // nobody can end the last line any more
  } catch (error) {
    // Removed as the oldest one meanwhile, or damaged: what could be read of it has been.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
  } finally {
    source.destroy()
  }
}

/** Puts lines together that come in pieces. */
export class LineCutter {
  readonly #decoder = new StringDecoder('utf8')
  #partial = ''

  cut(bytes: Buffer): string[] {
    const lines = this.#decoder.write(bytes).split('\n')
    // Only what is new is looked through: a long line comes in many pieces.
    lines[0] = this.#partial + (lines[0] ?? '')
    this.#partial = lines.pop() ?? ''
    return lines
  }
}

/** The end of the last whole line before `size`; `from` if none ends after that. */
export function lastLineEnd(fd: number, size: number, from: number): number {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (let end = size; end > from; ) {
    const start = Math.max(from, end - buffer.length)
    const length = readSync(fd, buffer, 0, end - start, start)
    const at = buffer.subarray(0, length).lastIndexOf(newline)
    if (at !== -1) return start + at + 1
    end = start
  }
  return from
}
