// Keeps the control socket reachable: a supervisor whose socket file somebody has removed would be deaf until it is killed.
import { existsSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Calls `reopen` when the file is gone; the returned function ends that. */
export function keepSocket(path: string, reopen: () => void): () => void {
  const watcher = watch(dirname(path), (_event, name) => {
    if ((name === null || name === basename(path)) && !existsSync(path)) reopen()
  })
  watcher.on('error', () => {}) // no inotify watches left: then it is as it would be without
  watcher.unref()
  return () => watcher.close()
}
