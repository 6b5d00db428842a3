// Where a description comes from, a file or flags: what its fields are called there, and where its relative paths start.
import { basename, dirname } from 'node:path'
import { inspect } from 'node:util'
import { BroodError, type ErrorCode } from '../kernel/errors.ts'

/** `['apps', 0, 'stop', 'grace']`. */
export type Path = readonly (string | number)[]

/** Something wrong with a field. */
export interface Finding {
  readonly path: Path
  /** What was written; left out where it is too long to be shown, or is not what is wrong. */
  readonly value?: unknown
  /** After a value what to write instead; without one, the rest of the sentence that the field begins. */
  readonly says: string
}

export interface Origin {
  /** Relative paths start here. */
  readonly folder: string
  readonly code: ErrorCode
  /** What a field of an app is called there: `name` in a file, `--name` among flags. */
  call(path: Path): string
  describe(finding: Finding): string
}

export function fileOrigin(file: string): Origin {
  const shown = basename(file)
  return {
    folder: dirname(file),
    code: 'config_invalid',
    call: (path) => `'${path.join('.')}'`,
    describe: ({ path, value, says }) => {
      const field = path.reduce<string>(
        (text, part) =>
          typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`,
        '',
      )
      const is = value === undefined ? ' ' : ` is ${shortly(value)}: `
      return field === '' ? `${shown}${is}${says}` : `${shown}: ${field}${is}${says}`
    },
  }
}

export function refusal(
  origin: Origin,
  findings: readonly Finding[],
  options: { code?: ErrorCode; cause?: unknown } = {},
): BroodError {
  const [first = '', ...detail] = findings.map((finding) => origin.describe(finding))
  return new BroodError(options.code ?? origin.code, first, { detail, cause: options.cause })
}

/** Makes the error about one field of an app. */
export type Refuse = (
  field: Path,
  says: string,
  value?: unknown,
  options?: Parameters<typeof refusal>[2],
) => BroodError

const longest = 60

function shortly(value: unknown): string {
  const text = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
