// The files that workers write their stdout and stderr to, themselves: opened here in append mode, never read on the way.
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileIdentity } from '../process/open-files.ts'
import type { Output } from '../supervisor/app-settings.ts'
import type { LogBirth } from '../wire/birth.ts'
import { type LogStream, parseLogLine } from '../wire/log-line.ts'
import { logName } from '../wire/log-name.ts'
import { asHomeError, type Home } from './home.ts'
import { rotatedFiles } from './rotated-files.ts'

export interface LogFile {
  readonly app: string
  readonly slot: number
  readonly stream: LogStream
  /** What is written to; what was rotated lies beside it. */
  readonly path: string
}

/** How much of the end of stderr is looked at, in bytes, and how many lines are shown. */
const tailBytes = 8192
const tailLines = 20
/** `    at … (node:internal/modules/…)` */
const ownFrame = /^\s+at .*\(?node:/

const plain = { format: 'raw', rotate: { size: 0, every: 0 } } as const

export function logFiles(home: Home, app: string, slot: number): LogFile[] {
  return (['stdout', 'stderr'] as const).map((stream) => ({
    app,
    slot,
    stream,
    path: join(home.logs, logName(app, slot, stream)),
  }))
}

/** Output into files, one pair for each slot. `settings` is read for each worker; without it raw, and never rotated. */
export function fileOutput(
  home: Home,
  app: string,
  settings: () => Pick<LogBirth, 'format' | 'rotate'> = () => plain,
): Output {
  /** The stderr file that each slot's latest worker was born with, and where it began in it. */
  const births = new Map<number, { identity: string; size: number }>()
  const pathOf = (slot: number, stream: LogStream): string => join(home.logs, logName(app, slot, stream))
  return {
    open(slot) {
      try {
        const { format, rotate } = settings()
        // Somebody who needs room may remove the whole folder; that must not keep a worker from being replaced.
        mkdirSync(home.logs, { recursive: true, mode: 0o700 })
        const stdout = openForAppend(pathOf(slot, 'stdout'))
        const stderr = openForAppend(pathOf(slot, 'stderr'))
        const stat = fstatSync(stderr)
        births.set(slot, { identity: fileIdentity(stat), size: stat.size })
        return {
          stdout,
          stderr,
          logs: {
            format,
            rotate: { size: rotate.size, every: rotate.every },
            files: { stdout: pathOf(slot, 'stdout'), stderr: pathOf(slot, 'stderr') },
          },
          close() {
            closeSync(stdout)
            closeSync(stderr)
          },
        }
      } catch (error) {
        throw asHomeError(home, error)
      }
    },
    lastErrors(slot) {
      const birth = births.get(slot)
      const path = pathOf(slot, 'stderr')
      if (birth === undefined) return []
      if (isFile(path, birth.identity)) return tail(path, birth.size, tailLines)
      // Rotated since: the program's own words are in the new file, those of Node and of child processes in the old one.
      const old = rotatedFiles(home.logs, app).find((file) => isFile(file.path, birth.identity))
      const half = tailLines / 2
      return [...tail(path, 0, half), ...(old === undefined ? [] : tail(old.path, birth.size, half))]
    },
  }
}

/** Output to wherever the supervisor's own goes. */
export const inheritedOutput: Output = {
  open: () => ({ stdout: 'inherit', stderr: 'inherit', close() {} }),
  lastErrors: () => [],
}

function openForAppend(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)
}

function isFile(path: string, identity: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && fileIdentity(stat) === identity
}

/** The last lines of a file at and after `from`. */
function tail(path: string, from: number, count: number): string[] {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const { size } = fstatSync(fd)
    const start = Math.max(from, size - tailBytes)
    const buffer = Buffer.alloc(Math.max(0, size - start))
    const length = readSync(fd, buffer, 0, buffer.length, start)
    // Node's own frames and empty lines would push out the place in the program.
    const lines = buffer
      .toString('utf8', 0, length)
      .trimEnd()
      .split('\n')
      .map((line) => parseLogLine(line).text)
      .filter((line) => line.trim() !== '' && !ownFrame.test(line))
    return lines.slice(-count)
  } catch {
    return [] // a file that cannot be read has nothing to show; the failure itself is reported by its exit
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
