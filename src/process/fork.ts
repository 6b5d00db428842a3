// Birth of a Node program with a message channel.
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Millis } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { Child } from './child.ts'
import {
  type ChildOptions,
  checkArguments,
  checkOptions,
  childOptionNames,
  pathOf,
  type Stdio,
} from './options.ts'
import type { AnyProtocol, Protocol } from './protocol.ts'

export interface ForkOptions extends ChildOptions {
  /** Node's binary. Default: the one that runs this process. */
  readonly execPath?: string
  /** Flags for Node itself. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /** Take stdin, stdout and stderr as pipes instead of sharing them with this process. Default: false. */
  readonly silent?: boolean
  /** Instead of `silent`; must hold `'ipc'` once. */
  readonly stdio?: Stdio
  /** The child must send its first message within that time, or it is stopped. */
  readonly startTimeout?: Millis
}

/** A child with a message channel. */
export type ForkedChild<P extends Protocol = AnyProtocol> = Child<P>

/**
 * Starts a Node program that can be sent messages, requests, servers and connections.
 *
 * `module`: path, relative to `cwd`, or file URL. Options: times in milliseconds, sizes in bytes; see `ForkOptions`.
 * Throws `script_not_found`, `usage`, and `aborted` when the signal is aborted already. Source: child_process.fork.
 * ```ts
 * await using child = fork<Thumbnails>(new URL('thumbnails.js', import.meta.url))
 * const { width } = await child.request('resize', 'cat.png', { timeout: 5000 })
 * ```
 */
export function fork<P extends Protocol = AnyProtocol>(
  module: string | URL,
  args: readonly string[] = [],
  options: ForkOptions = {},
): ForkedChild<P> {
  const path: unknown = module instanceof URL ? fileURLToPath(module) : module
  checkArguments('fork', path, args)
  checkOptions('fork', options, [
    ...childOptionNames,
    'stdio',
    'silent',
    'execPath',
    'execArgv',
    'startTimeout',
  ])
  const { execPath = process.execPath, execArgv = process.execArgv, startTimeout } = options
  return new Child<P>({
    file: execPath,
    args: [...execArgv, resolveModule(String(path), pathOf(options.cwd)), ...args],
    options,
    stdio: stdioOf(options),
    ...(startTimeout === undefined ? {} : { startTimeout }),
  })
}

function stdioOf({ stdio, silent = false }: ForkOptions): Stdio {
  if (stdio === undefined) {
    const each = silent ? 'pipe' : 'inherit'
    return [each, each, each, 'ipc']
  }
  if (typeof stdio === 'string') return [stdio, stdio, stdio, 'ipc']
  if (!stdio.includes('ipc')) {
    throw new BroodError(
      'usage',
      "fork: stdio must hold 'ipc'; to start a program without messages use spawn",
    )
  }
  return stdio
}

/** As Node finds a main module: with or without its ending. Told here, since the child could only exit with code 1. */
function resolveModule(path: string, cwd = process.cwd()): string {
  const full = resolve(cwd, path)
  try {
    return createRequire(join(resolve(cwd), 'fork.js')).resolve(full)
  } catch (cause) {
    const hint = `give a path relative to cwd (${cwd}), or new URL('./child.js', import.meta.url)`
    throw new BroodError('script_not_found', `fork: there is no module '${full}': ${hint}`, {
      cause: messageOf(cause),
    })
  }
}
