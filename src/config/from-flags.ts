// From the command line's words to an app's description, with an error for each word that makes no sense.
import { accessSync, constants, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, extname, resolve } from 'node:path'
import type { Millis } from '../kernel/clock.ts'
import { parseDuration } from '../kernel/duration.ts'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { type AppSpec, longestTime, mostWorkers } from './app-spec.ts'
import { defaultShareMode } from './share-mode.ts'

/** As commander hands them over; every value is still text. */
export interface StartFlags {
  workers: string
  name?: string
  port?: string
  env?: readonly string[]
  cwd?: string
  nodeArg?: readonly string[]
  maxWorkers?: string
  share?: string
  ready: string
  readyTimeout: string
  settle: string
  grace: string
  stopSignal: string
  restart: string
  intensity: string
  period: string
}

/** Sockets cost nothing until somebody listens on them, so there is room to scale without thinking ahead. */
const usualMaxWorkers = 64

export function specFromFlags(
  script: string,
  args: readonly string[],
  flags: StartFlags,
  logs: AppSpec['logs'],
  environment: NodeJS.ProcessEnv = process.env,
): AppSpec {
  const cwd = resolve(flags.cwd ?? '.')
  assertDirectory(cwd)
  const workers = workerCount(flags.workers)
  const maxWorkers =
    flags.maxWorkers === undefined
      ? Math.max(usualMaxWorkers, workers)
      : count('--max-workers', flags.maxWorkers, 1, mostWorkers)
  if (maxWorkers < workers)
    throw usage(`--max-workers ${maxWorkers} is less than the ${workers} workers asked for`)
  return {
    name: appName(flags.name ?? basename(script, extname(script)), flags.name !== undefined),
    script: scriptPath(script),
    args: [...args],
    nodeArgs: [...(flags.nodeArg ?? [])],
    cwd,
    env: { ...defined(environment), ...Object.fromEntries((flags.env ?? []).map(assignment)) },
    workers,
    maxWorkers,
    port: flags.port === undefined ? undefined : count('--port', flags.port, 0, 65_535),
    share: choice('--share', flags.share ?? defaultShareMode, ['slots', 'shared']),
    ready: {
      on: choice('--ready', flags.ready, ['listening', 'message', 'spawn']),
      timeout: duration('--ready-timeout', flags.readyTimeout),
      settle: duration('--settle', flags.settle),
    },
    stop: { signal: signal(flags.stopSignal), grace: duration('--grace', flags.grace) },
    restart: {
      policy: choice('--restart', flags.restart, ['permanent', 'transient', 'temporary']),
      intensity: count('--intensity', flags.intensity, 0, 1_000_000),
      period: duration('--period', flags.period),
      backoff: { from: 100, to: 30_000 },
    },
    logs,
  }
}

/** `4`, `max` (one per processor), or `-1` (all processors but one). */
export function workerCount(text: string, processors = availableParallelism()): number {
  if (text === 'max') return processors
  const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  const workers = number < 0 ? processors + number : number
  if (workers >= 1 && workers <= mostWorkers) return workers
  const why =
    number < 0
      ? `leaves none of the ${processors} processors: write 'max', or a number from 1`
      : `is no number of workers: write 1 to ${mostWorkers}, 'max', or -1 for all processors but one`
  throw usage(`-w ${text} ${why}`)
}

function scriptPath(script: string): string {
  const path = resolve(script)
  try {
    const stat = statSync(path)
    if (stat.isDirectory())
      throw new BroodError('script_not_found', `${path} is a directory: name the script to run in it`)
    accessSync(path, constants.R_OK)
    return path
  } catch (error) {
    if (error instanceof BroodError) throw error
    const why =
      systemCode(error) === 'ENOENT'
        ? `there is no script ${path}: check the path`
        : `cannot read ${path}: ${messageOf(error)}`
    throw new BroodError('script_not_found', why, { cause: error })
  }
}

function assertDirectory(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw usage(`--cwd ${path} is no directory`)
}

function appName(name: string, given: boolean): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name) && name !== 'all') return name
  const hint = given ? '' : ': give it another with --name'
  throw usage(
    `${given ? '--name ' : ''}'${name}' cannot name an app: use letters, digits, dots, dashes and underscores, not 'all'${hint}`,
  )
}

function assignment(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw usage(`--env ${text}: write NAME=value`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function defined(environment: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return Object.fromEntries(entries)
}

function count(flag: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw usage(`${flag} ${text}: write a whole number from ${least} to ${most}`)
}

function duration(flag: string, text: string): Millis {
  const length = parseDuration(text)
  if (length === undefined || length > longestTime) {
    throw usage(`${flag} ${text}: write a time such as 500ms, 10s or 2m, up to 24h`)
  }
  return length
}

function signal(text: string): NodeJS.Signals {
  const name = text.toUpperCase().startsWith('SIG') ? text.toUpperCase() : `SIG${text.toUpperCase()}`
  const { signals } = process.getBuiltinModule('node:os').constants
  if (Object.hasOwn(signals, name)) return name as NodeJS.Signals
  throw usage(`--stop-signal ${text}: this system has no such signal`)
}

function choice<const Choice extends string>(flag: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((one) => one === text)
  if (found === undefined) throw usage(`${flag} ${text}: choose one of ${choices.join(', ')}`)
  return found
}

function usage(message: string): BroodError {
  return new BroodError('usage', message)
}
