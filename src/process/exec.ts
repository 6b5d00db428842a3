// Runs a shell line to its end and gives what it printed; only a template or an explicit wish makes a text a shell line.
import { BroodError } from '../kernel/errors.ts'
import { type Running, type RunOptions, run, runOptionNames } from './finished.ts'
import { checkArguments, checkOptions } from './options.ts'
import { type ShellValue, shellLine } from './shell-line.ts'

export interface ExecOptions extends RunOptions {
  /** `true`: /bin/sh. A text: the path of another POSIX shell. Must be given for a line that is a plain text. */
  readonly shell?: true | string
}

/** Tags a template; every value in it becomes one quoted word, an array several. */
export type ExecTag<Text extends string | Buffer = string> = (
  literals: TemplateStringsArray,
  ...values: readonly ShellValue[]
) => Running<Text>

/**
 * Runs a line of POSIX shell. Values in the template are quoted, so that no value can be a command:
 * ```ts
 * const { stdout } = await exec`grep -c ${pattern} < ${file} | sort -n`
 * const { stderr } = await exec({ cwd: folder, timeout: 5000 })`make ${targets}`
 * await exec('echo $HOME | wc -c', { shell: true }) // a text only with `shell`
 * ```
 * Rejects with a `ProcessError`, which carries the output: `command_failed`, `output_truncated`, `timed_out`, `aborted`,
 * `spawn_failed`. Throws `usage`, also for a value where quotes would not hold it (in quotes, in a here-document, …).
 * Options: times in milliseconds, sizes in bytes; see `ExecOptions`. Source: child_process.exec.
 */
export function exec(literals: TemplateStringsArray, ...values: readonly ShellValue[]): Running<string>
export function exec(
  line: string,
  options: ExecOptions & { shell: true | string; encoding: 'buffer' },
): Running<Buffer>
export function exec(line: string, options: ExecOptions & { shell: true | string }): Running<string>
export function exec(options: ExecOptions & { encoding: 'buffer' }): ExecTag<Buffer>
export function exec(options: ExecOptions): ExecTag<string>
export function exec(
  first: TemplateStringsArray | string | ExecOptions,
  ...rest: readonly unknown[]
): Running<string | Buffer> | ExecTag<string | Buffer> {
  if (isTemplate(first)) return runLine(shellLine(first, rest), {})
  if (typeof first === 'string') {
    const options = checked(rest[0] ?? {})
    if (options.shell === undefined) {
      throw new BroodError(
        'usage',
        'exec: a text is a shell line only with { shell: true }; to quote the values in it write exec`…`, and without a shell use execFile',
      )
    }
    return runLine(first, options)
  }
  const options = checked(first)
  return (literals, ...values) => {
    if (!isTemplate(literals)) throw new BroodError('usage', 'exec(options) is a tag: write exec(options)`…`')
    return runLine(shellLine(literals, values), options)
  }
}

function runLine(line: string, options: ExecOptions): Running<string | Buffer> {
  const { shell = true } = options
  checkArguments('exec', line, [])
  return run(line, shell === true ? '/bin/sh' : shell, ['-c', line], options)
}

function checked(options: unknown): ExecOptions {
  checkOptions('exec', options, [...runOptionNames, 'shell'])
  return options as ExecOptions // checked just now
}

function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray(value) && 'raw' in value
}
