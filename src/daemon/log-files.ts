// The files that workers write their stdout and stderr to, themselves: opened here in append mode, never read on the way.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Output } from '../supervisor/app-settings.ts'
import { asHomeError, type Home } from './home.ts'

export interface LogFile {
  readonly app: string
  readonly slot: number
  readonly stream: 'stdout' | 'stderr'
  readonly path: string
}

const suffix = { stdout: 'out', stderr: 'err' } as const
/** How much of the end of stderr is looked at, in bytes, and how many lines are shown. */
const tailBytes = 8192
const tailLines = 20
/** `    at … (node:internal/modules/…)` */
const ownFrame = /^\s+at .*\(?node:/

export function logFiles(home: Home, app: string, slot: number): LogFile[] {
  return (['stdout', 'stderr'] as const).map((stream) => ({
    app,
    slot,
    stream,
    path: join(home.logs, `${app}-${slot}.${suffix[stream]}.log`),
  }))
}

/** Output into files, one pair for each slot. */
export function fileOutput(home: Home, app: string): Output {
  /** Where each slot's present worker began in its stderr file. */
  const began = new Map<number, number>()
  const pathOf = (slot: number, stream: 'stdout' | 'stderr'): string =>
    join(home.logs, `${app}-${slot}.${suffix[stream]}.log`)
  return {
    open(slot) {
      try {
        const stdout = openForAppend(pathOf(slot, 'stdout'))
        const stderr = openForAppend(pathOf(slot, 'stderr'))
        began.set(slot, fstatSync(stderr).size)
        return {
          stdout,
          stderr,
          close() {
            closeSync(stdout)
            closeSync(stderr)
          },
        }
      } catch (error) {
        throw asHomeError(home, error)
      }
    },
    lastErrors: (slot) => tail(pathOf(slot, 'stderr'), began.get(slot) ?? 0),
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

/** The last lines of a file at and after `from`. */
function tail(path: string, from: number): string[] {
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
      .filter((line) => line.trim() !== '' && !ownFrame.test(line))
    return lines.slice(-tailLines)
  } catch {
    return [] // a file that cannot be read has nothing to show; the failure itself is reported by its exit
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
