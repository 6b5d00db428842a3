// Has the load made by a program of its own, and waits for what comes of it.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BroodError } from '../../kernel/errors.ts'
import type { Load, LoadMessage, LoadResult, Tick } from './load.ts'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const program = fileURLToPath(new URL(`./load-program${import.meta.url.slice(-3)}`, import.meta.url))

export interface LoadEvents {
  tick?(tick: Tick): void
  halfway?(): void
}

/** Aborting `signal` ends the load early; the result is then of what there was. */
export function runLoad(load: Load, signal: AbortSignal, events: LoadEvents): Promise<LoadResult> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadResult>()
  const { NODE_OPTIONS: _options, ...env } = process.env
  const child = fork(program, { env, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const stop = (): void => void (child.connected && child.send('stop'))
  signal.addEventListener('abort', stop, { once: true })
  child.on('message', (message: LoadMessage) => {
    if (message.type === 'tick') events.tick?.(message.tick)
    else if (message.type === 'halfway') events.halfway?.()
    else resolve(message.result)
  })
  child.once('error', reject)
  // After the result this changes nothing.
  child.once('exit', (code, by) => {
    signal.removeEventListener('abort', stop)
    reject(
      new BroodError(
        'command_failed',
        `the program that makes the load ended too early (${by ?? `code ${code}`})`,
      ),
    )
  })
  child.send(load)
  if (signal.aborted) stop()
  return promise
}
