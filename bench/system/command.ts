// Runs one command to its end and tells how long it took.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface CommandOptions {
  environment?: NodeJS.ProcessEnv
  directory?: string
  timeout: number
  signal?: AbortSignal
}

export interface CommandResult {
  stdout: string
  milliseconds: number
}

/** Rejects with the command's own last words when it exits with anything but 0, or is too slow. */
export async function runCommand(
  file: string,
  argumentList: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const started = performance.now()
  try {
    const { stdout } = await execute(file, argumentList, {
      timeout: options.timeout,
      killSignal: 'SIGKILL',
      ...(options.environment && { env: options.environment }),
      ...(options.directory && { cwd: options.directory }),
      ...(options.signal && { signal: options.signal }),
    })
    return { stdout, milliseconds: performance.now() - started }
  } catch (cause) {
    options.signal?.throwIfAborted()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    throw new Error(
      `\`${[file, ...argumentList].join(' ')}\` failed after ${seconds} s: ${lastWords(cause)}`,
      { cause },
    )
  }
}

function lastWords(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const output = 'stderr' in cause && typeof cause.stderr === 'string' ? cause.stderr.trim() : ''
  return output === '' ? cause.message : output.split('\n').slice(-5).join('\n')
}
