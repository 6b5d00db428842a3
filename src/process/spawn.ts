// Birth of any program, with every form of stdio.
import { Child } from './child.ts'
import { type ChildOptions, checkArguments, checkOptions, childOptionNames, type Stdio } from './options.ts'
import type { AnyProtocol, Protocol } from './protocol.ts'

export interface SpawnOptions extends ChildOptions {
  /** Default: `'pipe'` for stdin, stdout and stderr. With `'ipc'` among them the child can be sent messages. */
  readonly stdio?: Stdio
}

/**
 * Starts a program. No shell sees the arguments.
 *
 * `args`: texts. Options: times in milliseconds, sizes in bytes; see `ChildOptions`.
 * Throws `usage` for what is no valid argument, `aborted` when the signal is aborted already. What the system refuses
 * comes from `child.spawned` and `child.exit` as `spawn_failed`. Source: child_process.spawn.
 * ```ts
 * await using child = spawn('tail', ['-f', 'app.log'])
 * for await (const line of child.stdout?.lines() ?? []) console.log(line)
 * ```
 */
export function spawn<P extends Protocol = AnyProtocol>(
  file: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Child<P> {
  checkArguments('spawn', file, args)
  checkOptions('spawn', options, [...childOptionNames, 'stdio'])
  return new Child<P>({ file, args, options, stdio: options.stdio ?? 'pipe' })
}
