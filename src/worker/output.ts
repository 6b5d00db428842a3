// Lets a program outlive a full disk: a line that cannot be written to its log is lost and reported, the worker stays.
import type { Writable } from 'node:stream'

/** Every line fails while the disk is full; one report in so many milliseconds says as much. */
const reportEvery = 10_000

const forgiven: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/** The standard streams are made when first asked for; that stays so, since most programs never touch one of them. */
export function surviveFullDisk(report: (stream: 'stdout' | 'stderr', code: string) => void): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(process, name)
    const make = descriptor?.get
    if (descriptor === undefined || make === undefined) continue
    Object.defineProperty(process, name, {
      ...descriptor,
      get() {
        Object.defineProperty(process, name, descriptor)
        const stream: Writable = make.call(process)
        let reportedAt = -Infinity
        const reportNowAndThen = (code: string): void => {
          if (performance.now() - reportedAt < reportEvery) return
          reportedAt = performance.now()
          report(name, code)
        }
        stream.on('error', (error: NodeJS.ErrnoException) => {
          if (forgiven.has(error.code)) reportNowAndThen(error.code ?? '')
          else if (stream.listenerCount('error') === 1) throw error // as it would be without this listener
        })
        return stream
      },
    })
  }
}
