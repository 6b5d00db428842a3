// One watched path with all that is below it. A watch for each folder: Node's recursive one takes a watch for each file as well,
// and goes into folders that are to be ignored.
import { type FSWatcher, lstatSync, readdirSync, statSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { BroodError, messageOf, systemCode } from '../../kernel/errors.ts'

interface Folder {
  readonly watcher: FSWatcher
  /** Tells a folder from another one that has taken its place. */
  readonly identity: string
}

export class WatchedTree {
  readonly #root: string
  readonly #isIgnored: (path: string) => boolean
  readonly #changed: (path: string) => void
  readonly #failed: (error: BroodError) => void
  readonly #folders = new Map<string, Folder>()
  /** Where a file, or a folder that is missing, is looked out for: in the nearest folder above that there is. */
  #lookout: Folder | undefined

  /** Throws `watch_failed`; what fails later is told to `failed`. */
  constructor(
    root: string,
    isIgnored: (path: string) => boolean,
    events: { changed: (path: string) => void; failed: (error: BroodError) => void },
  ) {
    this.#root = root
    this.#isIgnored = isIgnored
    this.#changed = events.changed
    this.#failed = events.failed
    try {
      this.#begin()
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#lookout?.watcher.close()
    this.#lookout = undefined
    for (const { watcher } of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  /** Watches what is there now: the folder, or whatever may bring it. */
  #begin(): void {
    this.close()
    if (isFolder(this.#root)) {
      this.#watchFolder(this.#root, false)
      if (this.#folders.has(this.#root)) return
    }
    this.#lookOut()
  }

  #lookOut(): void {
    let above = dirname(this.#root)
    let next = this.#root
    while (!isFolder(above) && above !== dirname(above)) {
      next = above
      above = dirname(above)
    }
    const awaited = basename(next)
    const onEvent = (_: string, name: string | null): void =>
      this.#guard(() => {
        const isSame = identityOf(above) === lookout.identity
        if (isSame && name !== null && name !== awaited) return
        const isThere = exists(this.#root)
        // A file is watched from here for good; what else has come is the folder, or one on the way to it.
        if (!isSame || !isThere || isFolder(this.#root)) this.#begin()
        if (isThere) this.#changed(this.#root)
      })
    const lookout = this.#open(above, onEvent)
    this.#lookout = lookout
    // It came between the look and the watch.
    if (isFolder(next)) this.#begin()
  }

  /** `isNew`: its files are news, for they came before anybody watched. */
  #watchFolder(path: string, isNew: boolean): void {
    if (this.#folders.has(path)) return
    try {
      this.#folders.set(
        path,
        this.#open(path, (type, name) => this.#guard(() => this.#onEvent(path, type, name))),
      )
      // Read after the watch began, so that nothing can come unseen in between.
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const below = join(path, entry.name)
        if (this.#isIgnored(below)) continue
        // What a link leads to is watched where it is, if at all: links can go round in circles.
        if (entry.isDirectory()) this.#watchFolder(below, isNew)
        else if (isNew) this.#changed(below)
      }
    } catch (error) {
      this.#forget(path)
      if (error instanceof BroodError) throw error
      // Gone again; or somebody else's, such as the data of a database: no source of the program.
      const isPassing = ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')
      const isForeign = ['EACCES', 'EPERM'].includes(systemCode(error) ?? '') && path !== this.#root
      if (!isPassing && !isForeign) throw watchFailure(path, error)
    }
  }

  #onEvent(folder: string, type: string, name: string | null): void {
    const known = this.#folders.get(folder)
    if (known === undefined) return
    // Removed, moved, or another put in its place; only for the root is there no folder above that would tell it.
    if (folder === this.#root && identityOf(folder) !== known.identity) {
      const isBack = isFolder(folder)
      this.#begin()
      if (isBack) this.#changed(folder)
      return
    }
    if (name === null) return this.#changed(folder)
    const path = join(folder, name)
    if (this.#isIgnored(path)) return
    const before = this.#folders.get(path)
    // What befalls the folder itself, such as new rights, comes with its own name, as if it were in itself.
    if (name === basename(folder) && before === undefined && !exists(path)) return
    if (type !== 'rename' && before === undefined) return this.#changed(path)
    // Created, removed or moved; of folders everything comes as a 'rename'.
    const isFolderNow = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
    if (isFolderNow && before !== undefined && before.identity === identityOf(path)) return
    this.#forget(path)
    if (isFolderNow) this.#watchFolder(path, true)
    if (!isFolderNow || before !== undefined) this.#changed(path)
  }

  /** Stops watching a folder and all below it. */
  #forget(path: string): void {
    const inside = `${path}/`
    for (const [other, { watcher }] of this.#folders.has(path) ? this.#folders : []) {
      if (other !== path && !other.startsWith(inside)) continue
      watcher.close()
      this.#folders.delete(other)
    }
  }

  #open(path: string, onEvent: (type: string, name: string | null) => void): Folder {
    const identity = identityOf(path)
    const watcher = watch(path, onEvent)
    watcher.on('error', (error) => this.#failed(watchFailure(path, error)))
    return { watcher, identity }
  }

  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#failed(error instanceof BroodError ? error : watchFailure(this.#root, error))
    }
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function identityOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}`
}

function watchFailure(path: string, cause: unknown): BroodError {
  return new BroodError('watch_failed', `${path} cannot be watched: ${reason(cause)}`, { cause })
}

function reason(cause: unknown): string {
  switch (systemCode(cause)) {
    case 'ENOSPC':
      return "the system's limit of watched folders is reached: ignore more of them, or raise it with 'sysctl fs.inotify.max_user_watches=524288'"
    case 'EMFILE':
      return "too many programs of this user watch files: end some, or raise the limit with 'sysctl fs.inotify.max_user_instances=1024'"
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it'
    default:
      return messageOf(cause)
  }
}
