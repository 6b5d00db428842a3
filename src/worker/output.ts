// The program's stdout and stderr: as Node makes them, or written and rotated here; a full disk costs lines, never the worker.
import type { Writable } from 'node:stream'
import type { Birth } from '../wire/birth.ts'
import type { LogStream } from '../wire/log-line.ts'
import { type LogEvents, writeLogs } from './log-stream.ts'

/** Every line fails while the disk is full; one report in so many milliseconds says as much. */
const reportEvery = 10_000

const forgiven: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/** A raw log that is never rotated needs nothing from here but to survive a full disk. */
export function setUpOutput(birth: Birth, events: LogEvents): void {
  const { logs } = birth
  const failed = nowAndThen(events.failed)
  if (logs === undefined || (logs.format === 'raw' && logs.rotate.size === 0 && logs.rotate.every === 0))
    surviveFullDisk(failed)
  else writeLogs(birth, logs, { ...events, failed })
}

function nowAndThen(report: LogEvents['failed']): LogEvents['failed'] {
  const reportedAt = { stdout: -Infinity, stderr: -Infinity }
  return (stream, code) => {
    if (performance.now() - reportedAt[stream] < reportEvery) return
    reportedAt[stream] = performance.now()
    report(stream, code)
  }
}

/** The standard streams are made when first asked for; that stays so, since most programs never touch one of them. */
function surviveFullDisk(failed: (stream: LogStream, code: string) => void): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(process, name)
    const make = descriptor?.get
    if (descriptor === undefined || make === undefined) continue
    Object.defineProperty(process, name, {
      ...descriptor,
      get() {
        Object.defineProperty(process, name, descriptor)
        const stream: Writable = make.call(process)
        stream.on('error', (error: NodeJS.ErrnoException) => {
          if (forgiven.has(error.code)) failed(name, error.code ?? '')
          else if (stream.listenerCount('error') === 1) throw error // as it would be without this listener
        })
        return stream
      },
    })
  }
}
