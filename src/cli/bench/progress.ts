// The one line that tells people how far a load is, drawn over itself; nothing where there is no terminal.
import type { Millis } from '../../kernel/clock.ts'
import { bar, whole } from './figures.ts'
import type { Tick } from './load.ts'

const barWidth = 20

export function progressText(label: string, { at, lastSecond, errors }: Tick, duration: Millis): string {
  const seconds = (millis: Millis): string => `${Math.round(millis / 1000)}`
  const drawn = bar(Math.min(at, duration), duration, barWidth).padEnd(barWidth, '·')
  const faults = errors === 0 ? '' : `, ${whole(errors)} errors`
  return `${label} ${drawn} ${seconds(at)} of ${seconds(duration)} s  ${whole(lastSecond)} requests/s${faults}`
}

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream | undefined
  #shown = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream.isTTY ? stream : undefined
  }

  show(text: string): void {
    this.#shown = true
    this.#stream?.write(`\r${text.slice(0, this.#stream.columns - 1)}\u001b[K`)
  }

  clear(): void {
    if (this.#shown) this.#stream?.write('\r\u001b[K')
    this.#shown = false
  }
}
