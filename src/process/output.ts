// What a child prints on one of its descriptors: as text, lines, bytes or chunks, read once and no faster than asked for.
import { PassThrough, pipeline, type Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { BroodError } from '../kernel/errors.ts'

/** Bytes that `text()`, `bytes()` and one line of `lines()` take unless an option says otherwise. */
export const defaultMaxBuffer = 16 * 1024 * 1024

export interface OutputOptions {
  /** Bytes; what comes after is cut off, and the error `output_truncated` carries what came before. */
  readonly maxBuffer?: number
}

/** What an exited child has left in its pipe fits: Linux's pipes and socket pairs hold some 200 KB at most. */
const leftInPipe = 1024 * 1024

/** The error `output_truncated` of one stream, with what was read before the limit. */
export class TruncatedError extends BroodError {
  readonly bytes: Buffer

  constructor(bytes: Buffer, limit: number) {
    super(
      'output_truncated',
      `more than ${limit} bytes were printed: raise maxBuffer, or read the output as it comes`,
    )
    this.bytes = bytes
  }

  /** Up to the last whole character. */
  get text(): string {
    return new StringDecoder('utf8').write(this.bytes)
  }
}

export class Output implements AsyncIterable<Buffer> {
  #stream: Readable
  #isTaken = false

  constructor(stream: Readable) {
    this.#stream = stream
    // Node throws away what nobody has begun to read when the child exits; a stream with this listener it leaves alone.
    stream.on('readable', keep)
    stream.on('error', () => {}) // who reads is told; with nobody reading it would end the whole process
  }

  /** The stream itself, for `pipe` and its kind: `child.stdout.stream.pipe(process.stdout)`. */
  get stream(): Readable {
    this.#take()
    return this.#stream
  }

  /** Everything until the end, as bytes. Errors: `output_truncated`. */
  async bytes({ maxBuffer = defaultMaxBuffer }: OutputOptions = {}): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of this) {
      chunks.push(chunk)
      length += chunk.length
      // Leaving the loop closes the pipe: the child gets EPIPE for what it still prints.
      if (length > maxBuffer)
        throw new TruncatedError(Buffer.concat(chunks).subarray(0, maxBuffer), maxBuffer)
    }
    return Buffer.concat(chunks)
  }

  /** Everything until the end, as UTF-8 text. Errors: `output_truncated`. */
  async text(options: OutputOptions = {}): Promise<string> {
    return (await this.bytes(options)).toString('utf8')
  }

  /**
   * Line after line, without the line's end (`\n` or `\r\n`). The child waits while its lines are not asked for.
   * Leaving the loop early closes the pipe, as `head` does. Errors: `output_truncated` for a line over `maxBuffer`.
   */
  async *lines({ maxBuffer = defaultMaxBuffer }: OutputOptions = {}): AsyncGenerator<string, void, void> {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for await (const chunk of this) {
      const lines = decoder.write(chunk).split('\n')
      // Only what is new is looked through: a long line comes in many chunks.
      lines[0] = rest + (lines[0] ?? '')
      rest = lines.pop() ?? ''
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line
      if (rest.length > maxBuffer)
        throw new TruncatedError(Buffer.from(rest).subarray(0, maxBuffer), maxBuffer)
    }
    rest += decoder.end()
    if (rest !== '') yield rest
  }

  /** Chunk after chunk, as the child printed them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    try {
      yield* this.stream
    } catch (error) {
      // Closed from this side, by close() or a failed start: that is an end, not a fault of the child.
      if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'))
        throw error
    }
  }

  /** The child has exited: what nobody reads yet is kept in memory, so that the pipe's descriptor is given back. */
  settle(): void {
    if (this.#isTaken) return
    this.#stream.off('readable', keep)
    const kept = new PassThrough({ highWaterMark: leftInPipe })
    pipeline(this.#stream, kept, () => {})
    this.#stream = kept
  }

  /** Closes the pipe; what is still printed is an error for the child. */
  close(): void {
    this.#stream.destroy()
  }

  #take(): void {
    if (this.#isTaken) throw new BroodError('usage', 'this output is read already: it can be read once')
    this.#isTaken = true
    this.#stream.off('readable', keep)
  }
}

function keep(): void {}
