// `process.stdout` and `process.stderr` of a worker that formats or rotates its log itself.
import type { Writable } from 'node:stream'
import type { Birth, LogBirth } from '../wire/birth.ts'
import { type LogStream, lineFormat } from '../wire/log-line.ts'
import { OutputLines } from './output-lines.ts'
import { RotatingFile } from './rotating-file.ts'
import { serveDescriptors } from './standard-descriptors.ts'

export interface LogEvents {
  failed(stream: LogStream, code: string): void
  rotated(stream: LogStream, path: string): void
}

const descriptors = { stdout: 1, stderr: 2 } as const

/** Nothing is opened before the program writes: most never use one of the two. */
export function writeLogs({ slot }: Birth, logs: LogBirth, events: LogEvents): void {
  const opened: OutputLines[] = []
  const served = new Map<unknown, () => OutputLines>()
  for (const name of ['stdout', 'stderr'] as const) {
    const open = once(() => {
      const format =
        logs.format === 'raw' ? undefined : lineFormat(logs.format, { stream: name, slot, pid: process.pid })
      const lines = new OutputLines(fileOf(logs, name, events), format)
      opened.push(lines)
      return lines
    })
    served.set(descriptors[name], open)
    const stream = once(() => standardStream(descriptors[name], open()))
    const { enumerable = true } = Object.getOwnPropertyDescriptor(process, name) ?? {}
    Object.defineProperty(process, name, { configurable: true, enumerable, get: stream })
  }
  serveDescriptors(served)
  process.on('exit', () => {
    for (const lines of opened) lines.end()
  })
}

function fileOf(logs: LogBirth, name: LogStream, events: LogEvents): RotatingFile {
  return new RotatingFile(logs.files[name], descriptors[name], logs.rotate, {
    failed: (code) => events.failed(name, code),
    rotated: (path) => events.rotated(name, path),
  })
}

/**
 * As Node makes it for a file: every write is done when it returns, and it outlives its end, because `pipeline` ends it and programs
 * write on. Source: the way of Node's own standard streams.
 */
function standardStream(fd: number, lines: OutputLines): Writable {
  const { Writable: Stream } = process.getBuiltinModule('node:stream')
  const stream: Writable & { _undestroy?: () => void } = new Stream({
    decodeStrings: false,
    emitClose: false,
    write(chunk: string | Uint8Array, encoding, done) {
      lines.write(chunk, typeof chunk === 'string' ? encoding : undefined)
      done()
    },
    destroy(error, done) {
      done(error)
      stream._undestroy?.()
      process.nextTick(() => stream.emit('close'))
    },
  })
  return Object.assign(stream, { fd, _type: 'fs', _isStdio: true, destroySoon: stream.destroy })
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
