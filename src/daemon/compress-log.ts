// Compresses a rotated log, so that at every moment one whole copy of it is there.
import { closeSync, createReadStream, createWriteStream, fsyncSync, openSync, readdirSync } from 'node:fs'
import { rename, rm, stat, unlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { systemCode } from '../kernel/errors.ts'

const unfinished = /\.log\.gz\.(\d+)\.new$/

/**
 * `path` becomes `path.gz`. Just before, `mayReplace` has the last word: what somebody may still write to is left as it is.
 * Each process writes to a file of its own; whose process is gone is removed by `removeUnfinished`.
 */
export async function compressLog(path: string, mayReplace: () => boolean): Promise<void> {
  const { atime, mtime } = await stat(path)
  const fresh = `${path}.gz.${process.pid}.new`
  try {
    // `flush`: on the disk before it gets its name, or a crash of the machine could leave a name without the content.
    const target = createWriteStream(fresh, { mode: 0o600, flags: 'wx', flush: true })
    await pipeline(createReadStream(path), createGzip(), target)
    await utimes(fresh, atime, mtime)
    if (!mayReplace()) return
    await rename(fresh, `${path}.gz`)
    syncFolder(dirname(path))
    await unlink(path)
  } finally {
    await rm(fresh, { force: true })
  }
}

/** What killed processes had begun. */
export async function removeUnfinished(folder: string, app: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const pid = unfinished.exec(name)?.[1]
    if (pid === undefined || !name.startsWith(`${app}-`) || isAlive(Number(pid))) continue
    await rm(join(folder, name), { force: true })
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
