// The names of log files: `web-0.out.log` is written to, `web-0.out.20261121T111213.123Z.log` was rotated then, `….gz` is compressed.
import type { LogStream } from './log-line.ts'

const streams = { out: 'stdout', err: 'stderr' } as const
const suffixes = { stdout: 'out', stderr: 'err' } as const

export interface RotatedName {
  readonly app: string
  readonly slot: number
  readonly stream: LogStream
  /** When it was rotated, as in the name: sorts as text. */
  readonly stamp: string
  /** The same in milliseconds since the epoch. */
  readonly rotatedAt: number
  readonly compressed: boolean
}

export function logName(app: string, slot: number, stream: LogStream): string {
  return `${app}-${slot}.${suffixes[stream]}.log`
}

/** Where the log at `path` goes when it is rotated at `at`. */
export function rotatedPath(path: string, at: number): string {
  const stamp = new Date(at).toISOString().replaceAll(/[-:]/g, '')
  return `${path.slice(0, -'.log'.length)}.${stamp}.log`
}

/** Held, as a file that only one can create, by the process that rotates the log at `path`. */
export function rotationLock(path: string): string {
  return `${path.slice(0, -'.log'.length)}.rotating`
}

const rotated = /^(.+)-(\d{1,4})\.(out|err)\.((\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z)\.log(\.gz)?$/

/** Undefined for any other file. */
export function parseRotatedName(name: string): RotatedName | undefined {
  const match = rotated.exec(name)
  if (match === null) return undefined
  const [, app = '', slot, suffix, stamp = '', year, month, day, hour, minute, second, milli, gz] = match
  const rotatedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milli}Z`)
  if (Number.isNaN(rotatedAt)) return undefined
  return {
    app,
    slot: Number(slot),
    stream: streams[suffix === 'out' ? 'out' : 'err'],
    stamp,
    rotatedAt,
    compressed: gz !== undefined,
  }
}
