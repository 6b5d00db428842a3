// Where commands print: width and colours as the terminal allows, plain text and JSON for other programs.
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

export interface Terminal {
  readonly json: boolean
  readonly width: number
  print(text: string): void
  /** For people only: goes to stderr, so that stdout stays clean. */
  note(text: string): void
  printJson(value: unknown): void
  style(style: Style, text: string): string
}

/** Without a terminal there is no width to keep to, but long lines help nobody. */
const widthElsewhere = 120

export function terminal(options: { json: boolean }): Terminal {
  return {
    json: options.json,
    // A terminal that nobody gave a size, as `docker exec -t` may make it, says 0.
    width: (process.stdout.isTTY && process.stdout.columns) || widthElsewhere,
    print: (text) => void process.stdout.write(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    // styleText itself heeds NO_COLOR, FORCE_COLOR and whether the stream is a terminal.
    style: (style, text) => styleText(style, text, { stream: process.stdout }),
  }
}
