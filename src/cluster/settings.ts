// What workers are forked with, and the defaults that `setupPrimary` fills in.
import type { ClusterSettings } from 'node:cluster'
import { BroodError } from '../kernel/errors.ts'

/** Node's settings, and brood's. */
export interface BroodClusterSettings extends ClusterSettings {
  /** Workers that have a listening socket of their own (SCHED_NONE, SCHED_SLOTS) go on when the primary dies. */
  outlivePrimary?: boolean
}

const lowestPort = 1024
const highestPort = 65_535
let debugPortOffset = 1

/** Later calls add to earlier ones; what was never said comes from this process. */
export function mergeSettings(
  before: BroodClusterSettings,
  options: BroodClusterSettings | undefined,
): BroodClusterSettings {
  const settings: BroodClusterSettings = {
    args: process.argv.slice(2),
    ...(process.argv[1] === undefined ? {} : { exec: process.argv[1] }),
    execArgv: process.execArgv,
    silent: false,
    ...before,
    ...options,
  }
  const { execArgv = [] } = settings
  const profiles = execArgv.some((argument) => argument.startsWith('--prof'))
  const named = execArgv.some((argument) => argument.startsWith('--logfile='))
  // Without a file of its own each, all processes would write their profiles over one another.
  return profiles && !named ? { ...settings, execArgv: [...execArgv, '--logfile=v8-%p.log'] } : settings
}

/** The arguments for Node of the next worker: with a debugger, each has a port of its own. */
export function workerExecArgv(settings: ClusterSettings): string[] {
  const execArgv = [...(settings.execArgv ?? [])]
  if (settings.inspectPort === null) throw badPort(null)
  if (usesInspector(execArgv)) execArgv.push(`--inspect-port=${inspectPort(settings.inspectPort)}`)
  return execArgv
}

function inspectPort(given: ClusterSettings['inspectPort']): number {
  const asked = typeof given === 'function' ? given() : given
  if (asked !== undefined && asked !== null) {
    if (!Number.isInteger(asked) || asked < 0 || asked > highestPort) throw badPort(asked)
    return asked
  }
  const port = process.debugPort + debugPortOffset++
  return port > highestPort ? port - highestPort + lowestPort - 1 : port
}

function usesInspector(execArgv: readonly string[]): boolean {
  const pattern = /^--inspect(?:-brk|-port|-wait)?|^--debug-port/
  return (
    execArgv.some((argument) => pattern.test(argument)) ||
    (process.env.NODE_OPTIONS ?? '').split(/\s+/).some((argument) => pattern.test(argument))
  )
}

/** As Node reports it, so that code that looks at `code` goes on working. */
function badPort(value: unknown): RangeError {
  const message = `Port should be >= 0 and < 65536. Received ${value === null ? 'null' : `type ${typeof value} (${value})`}.`
  return Object.assign(new RangeError(message), {
    code: 'ERR_SOCKET_BAD_PORT',
    cause: new BroodError('usage', `inspectPort ${value} is no port: write a number from 0 to 65535`),
  })
}
