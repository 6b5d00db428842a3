// Runs a program to its end, without a shell, and gives what it printed.
import { type Running, type RunOptions, run, runOptionNames } from './finished.ts'
import { checkArguments, checkOptions } from './options.ts'

/**
 * Settles when the program has ended with code 0 and its output is read. `child` is the running program.
 *
 * Rejects with a `ProcessError`, which carries the output: `command_failed`, `output_truncated`, `timed_out`, `aborted`,
 * `spawn_failed`. Throws `usage`. Options: times in milliseconds, sizes in bytes; see `RunOptions`.
 * Source: child_process.execFile.
 * ```ts
 * const { stdout } = await execFile('git', ['log', '-1', '--format=%s'], { cwd: folder, timeout: 5000 })
 * ```
 */
export function execFile(
  file: string,
  args: readonly string[] | undefined,
  options: RunOptions & { readonly encoding: 'buffer' },
): Running<Buffer>
export function execFile(file: string, args?: readonly string[], options?: RunOptions): Running<string>
export function execFile(
  file: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Running<string | Buffer> {
  checkArguments('execFile', file, args)
  checkOptions('execFile', options, runOptionNames)
  return run([file, ...args].join(' '), file, args, options)
}
