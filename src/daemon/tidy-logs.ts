// A side program of the supervisor: compresses and removes rotated logs of one app, at the lowest priority, then ends.
import { rmSync, statSync } from 'node:fs'
import { setPriority } from 'node:os'
import { systemCode } from '../kernel/errors.ts'
import { descendsFrom, fileIdentity, openForWriting } from '../process/open-files.ts'
import { read } from '../process/proc.ts'
import { parseRotatedName } from '../wire/log-name.ts'
import { compressLog, removeUnfinished } from './compress-log.ts'
import { rotatedFiles } from './rotated-files.ts'

const [, , folder = '', app = '', keep = '', gzip = ''] = process.argv

setPriority(19)
// The supervisor holds the other end: when it is killed, the next one begins anew.
process.stdin.on('end', () => process.exit(1)).resume()

await removeUnfinished(folder, app)
removeTwins()
const before = openLogs()
removeOldest(Number(keep))
if (gzip === 'gzip' && before !== undefined) await compressRest()
process.exit(0)

/** Where a file is there in both forms, whoever compressed it was killed just before its last step. */
function removeTwins(): void {
  const files = rotatedFiles(folder, app)
  const compressed = new Set(files.filter((file) => file.compressed).map(({ path }) => path))
  for (const { path } of files) if (compressed.has(`${path}.gz`)) rmSync(path, { force: true })
}

/** Keeps the newest of each stream of each slot. */
function removeOldest(count: number): void {
  const streams = Map.groupBy(rotatedFiles(folder, app), ({ slot, stream }) => `${slot} ${stream}`)
  for (const files of streams.values()) {
    for (const { path } of files.slice(0, Math.max(0, files.length - count))) {
      // What is removed while a worker's descriptor 2 is open on it would take the worker's last words along.
      if (isFree(path)) rmSync(path, { force: true })
    }
  }
}

async function compressRest(): Promise<void> {
  for (const { path, compressed } of rotatedFiles(folder, app)) {
    if (compressed || isOpen(path, before)) continue
    try {
      await compressLog(path, () => isFree(path))
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error // somebody removed it; that is their right
    }
  }
}

/** A descriptor could pass from one process to another while they are looked at, so one look is not enough. */
function isFree(path: string): boolean {
  const now = openLogs()
  if (before !== undefined && now === undefined) return false
  return !isOpen(path, before) && !isOpen(path, now)
}

function openLogs(): Set<string> | undefined {
  return openForWriting((name) => parseRotatedName(name) !== undefined, isOurs)
}

/** The supervisor and what comes from it, and workers of a supervisor of this user that is no more. */
function isOurs(pid: number): boolean {
  if (descendsFrom(pid, process.ppid)) return true
  const user = /^Uid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]
  return user === `${process.getuid?.()}` && read(`/proc/${pid}/cmdline`).includes('/worker/preload.')
}

function isOpen(path: string, open: Set<string> | undefined): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && (open?.has(fileIdentity(stat)) ?? false)
}
