// Watches the files of an app in development, and tells once when some of them have changed.
import type { Clock, Millis } from '../../kernel/clock.ts'
import type { BroodError } from '../../kernel/errors.ts'
import { ignored } from './ignored.ts'
import { WatchedTree } from './watched-tree.ts'

export interface WatchSettings {
  /** Files and folders, absolute; they need not exist yet. */
  readonly paths: readonly string[]
  readonly ignore: readonly string[]
  /** How long nothing must have changed before it is told: a save or a build is many changes. */
  readonly debounce: Millis
}

export interface WatchEvents {
  /** The first path of those that changed. */
  changed(path: string): void
  /** From now on some changes may go unseen. */
  failed(error: BroodError): void
}

/** What never rests is told all the same, after so many times the debounce. */
const longestBurst = 10

/** Throws `watch_failed`. Reading files is no change. */
export function watchFiles(
  { paths, ignore, debounce }: WatchSettings,
  clock: Clock,
  { changed, failed }: WatchEvents,
): { close(): void } {
  let burst: { readonly first: string; readonly since: Millis; cancel: () => void } | undefined
  const note = (path: string): void => {
    const now = clock.now()
    const { first, since, cancel } = burst ?? { first: path, since: now }
    cancel?.()
    const at = Math.min(now + debounce, since + longestBurst * debounce)
    burst = {
      first,
      since,
      cancel: clock.at(at, () => {
        burst = undefined
        changed(first)
      }),
    }
  }
  const trees: WatchedTree[] = []
  const close = (): void => {
    burst?.cancel()
    burst = undefined
    for (const tree of trees) tree.close()
  }
  try {
    for (const path of paths) {
      trees.push(new WatchedTree(path, ignored(path, ignore), { changed: note, failed }))
    }
  } catch (error) {
    close()
    throw error
  }
  return { close }
}
