// Hands a birth to the operating system; a refusal is a value, because Node reports one in three ways.
import { type ChildProcess, spawn } from 'node:child_process'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { type ChildOptions, pathOf, type Stdio } from './options.ts'
import { spawnFailure } from './spawn-failure.ts'

export interface Birth {
  readonly file: string
  readonly args: readonly string[]
  readonly options: ChildOptions
  readonly stdio: Stdio
  /** Milliseconds until the first message. */
  readonly startTimeout?: number
}

export type Started = { readonly process: ChildProcess } | { readonly failure: BroodError }

export function startProcess({ file, args, options, stdio }: Birth): Started {
  const { env, serialization, uid, gid } = options
  const cwd = pathOf(options.cwd)
  try {
    const process = spawn(file, [...args], {
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: { ...env } }),
      ...(serialization === undefined ? {} : { serialization }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      detached: leadsGroup(options),
      stdio: typeof stdio === 'string' ? stdio : [...stdio],
    })
    const streams: ChildProcess['stdio'] | undefined = process.stdio
    if (streams !== undefined) return { process }
    // No descriptor was left: Node has made neither streams nor a channel, and tells why in an event that nobody waits for any more.
    process.on('error', () => {})
    return { failure: spawnFailure(file, cwd, Object.assign(new Error('spawn EMFILE'), { code: 'EMFILE' })) }
  } catch (cause) {
    // A system error carries the name of a call that failed; the rest are arguments that Node refuses.
    if (systemCode(cause)?.startsWith('ERR_')) throw new BroodError('usage', usageOf(cause), { cause })
    return { failure: spawnFailure(file, cwd, cause) }
  }
}

export function leadsGroup({ detached, ownGroup, parentDeath }: ChildOptions): boolean {
  return detached === true || ownGroup === true || parentDeath === 'end'
}

function usageOf(cause: unknown): string {
  const isStream = systemCode(cause) === 'ERR_INVALID_ARG_VALUE' && messageOf(cause).includes('stdio')
  return isStream
    ? "stdio: a stream must have a descriptor: wait for a file stream's event 'open', or use 'pipe'"
    : messageOf(cause)
}
