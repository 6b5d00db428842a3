// What went wrong, in words for people: how a worker ended, and what its program threw.
import type { Millis } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { type Bytes, formatSize } from '../kernel/size.ts'
import type { Exit, Notice } from './state.ts'

/** The last thing that went wrong in an app, for `brood show`. */
export interface Failure {
  readonly at: Millis
  readonly slot: number
  readonly reason: string
  readonly stack: string | undefined
  readonly stderr: readonly string[]
}

/** Why a worker ended, in one line. `shortage`: the kernel has ended it for want of memory; what its app may use. */
export function describeExit(
  exit: Exit,
  error: Error | undefined,
  uncaught: string | undefined,
  shortage: { readonly limit: Bytes | undefined } | undefined,
): string {
  if (error instanceof BroodError) return error.message
  if (error !== undefined) return `could not be started: ${messageOf(error)}`
  if (shortage !== undefined) {
    const limit = shortage.limit === undefined ? '' : ` (limits.memory is ${formatSize(shortage.limit)})`
    return `was killed by the kernel for want of memory${limit}`
  }
  const how =
    exit.signal !== null
      ? `was killed by ${exit.signal}`
      : exit.code !== null
        ? `exited with code ${exit.code}`
        : 'ended, and only the supervisor that started it could have known how'
  return uncaught === undefined ? how : `${how}: ${uncaught}`
}

/** An exception nobody caught: `TypeError: x is not a function (server.js:12)`. */
export function describeUncaught(thrown: { name: string; message: string; stack: string }): string {
  // Frames of Node itself (`node:internal/…`) say nothing about the program.
  const place = /(?:^|[\s(]|file:\/\/)(\/[^\s()]+?):(\d+)/.exec(thrown.stack)
  const file = place?.[1]?.split('/').at(-1)
  const line = `${thrown.name}: ${thrown.message.split('\n')[0] ?? ''}`
  return file === undefined ? line : `${line} (${file}:${place?.[2]})`
}

export function asSpawnError(cwd: string, error: Error): BroodError {
  if (error instanceof BroodError) return error
  const message = `a worker could not be started in ${cwd}: ${messageOf(error)}`
  return new BroodError('spawn_failed', message, { cause: error })
}

/** Why a command has failed: the app is not as it was to be, by the notice that came in place of the one hoped for. */
export function notReady(
  app: string,
  notice: Notice,
  failure: Failure | undefined,
  more?: string,
): BroodError {
  if (!('slot' in notice) || !('reason' in notice)) {
    return new BroodError('not_ready', `'${app}' was stopped before it was ready`)
  }
  const text = `${app}/${notice.slot} ${notice.reason}`
  return new BroodError('not_ready', more === undefined ? text : `${text}; ${more}`, {
    detail: failure?.slot === notice.slot ? failure.stderr : [],
  })
}
