// What a program writes to stdout or stderr, cut into whole lines in the log's format.
import { StringDecoder } from 'node:string_decoder'
import type { LineFormat } from '../wire/log-line.ts'
import type { RotatingFile } from './rotating-file.ts'

/** Characters of one line that are held back at most; a longer line is written as several. */
const longestHeld = 1_000_000

export class OutputLines {
  readonly #file: RotatingFile
  readonly #format: LineFormat | undefined
  readonly #decoder = new StringDecoder('utf8')
  #held = ''
  #holds = true

  /** Without a format the bytes go on as they come. */
  constructor(file: RotatingFile, format: LineFormat | undefined) {
    this.#file = file
    this.#format = format
  }

  /** What ends with a newline is in the kernel's hands when it returns. */
  write(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    const data =
      typeof chunk === 'string' && encoding !== undefined && encoding !== 'utf8'
        ? Buffer.from(chunk, encoding)
        : chunk
    if (this.#format === undefined) {
      if (data.length > 0) this.#file.append(typeof data === 'string' ? Buffer.from(data) : data)
      return
    }
    const text = typeof data === 'string' ? data : this.#decoder.write(data)
    // Only what is new is looked through: a program may write its line letter by letter.
    const end = text.lastIndexOf('\n') + 1
    const whole = end > 0 ? this.#held + text.slice(0, end) : ''
    this.#held = end > 0 ? text.slice(end) : this.#held + text
    if (end > 0) this.#append(this.#format, whole)
    if (this.#held.length > longestHeld || !this.#holds) this.#release()
  }

  /** From now on nothing is held back: the process ends. */
  end(): void {
    this.#holds = false
    this.#release()
  }

  #release(): void {
    if (this.#held === '' || this.#format === undefined) return
    this.#append(this.#format, `${this.#held}\n`)
    this.#held = ''
  }

  #append(format: LineFormat, lines: string): void {
    this.#file.append(Buffer.from(format(lines, Date.now())))
  }
}
