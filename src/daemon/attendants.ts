// What acts on an app by itself while it is under supervision: the watch over its files, and its cron pattern.
import type { AppSpec } from '../config/app-spec.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Home } from './home.ts'

export interface AttendantEvents {
  /** A watched file has changed. */
  changed(path: string): void
  /** It is the hour. */
  due(pattern: string): void
  failed(reason: string): void
}

export interface Attendance {
  /** Settles when nothing that happens from now on is missed. */
  readonly begun: Promise<unknown>
  end(): void
}

/** Begins to attend an app. What does so is loaded when it is needed: few apps have any. */
export function attend(
  { watch, renew: { cron } }: AppSpec,
  home: Home,
  clock: Clock,
  events: AttendantEvents,
): Attendance {
  const ended = new AbortController()
  const begin = async (load: () => Promise<{ close(): void }>): Promise<void> => {
    try {
      const attendant = await load()
      if (ended.signal.aborted) attendant.close()
      else ended.signal.addEventListener('abort', () => attendant.close(), { once: true })
    } catch (error) {
      events.failed(messageOf(error))
    }
  }
  const begun: Promise<void>[] = []
  if (cron !== undefined) {
    const load = async (): Promise<{ close(): void }> => {
      const { everyCron } = await import('./cron.ts')
      return everyCron(cron, clock, () => events.due(cron))
    }
    begun.push(begin(load))
  }
  if (watch !== undefined) {
    const load = async (): Promise<{ close(): void }> => {
      const { watchFiles } = await import('./watch/file-watch.ts')
      // What workers write there, logs for one, is no change of theirs.
      const settings = { ...watch, ignore: [...watch.ignore, home.path] }
      const { changed } = events
      return watchFiles(settings, clock, { changed, failed: (error) => events.failed(messageOf(error)) })
    }
    begun.push(begin(load))
  }
  return { begun: Promise.all(begun), end: () => ended.abort() }
}
