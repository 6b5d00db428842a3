// Which files some process has open for writing, told by Linux's /proc.
import { readdirSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { systemCode } from '../kernel/errors.ts'
import { link, list, processes, read, statFields } from './proc.ts'

/** The access mode within the flags of an open file. */
const accessMode = 0o3

/** Identifies a file whatever it is called: device and inode. */
export function fileIdentity({ dev, ino }: { dev: number; ino: number }): string {
  return `${dev}:${ino}`
}

/**
 * The identities of files open for writing in any process this user may look into, among those whose name now is one that
 * `concerns` accepts. Undefined where that cannot be told: there is no /proc, or a process that `mustSee` names is closed to us, as
 * one is whose program has capabilities of its own (`setcap`).
 */
export function openForWriting(
  concerns: (name: string) => boolean,
  mustSee: (pid: number) => boolean,
): Set<string> | undefined {
  const pids = processes()
  if (pids.length === 0) return undefined
  const open = new Set<string>()
  for (const pid of pids) {
    const descriptors = list(`/proc/${pid}/fd`)
    if (descriptors.length === 0 && isClosed(pid) && mustSee(pid)) return undefined
    for (const fd of descriptors) {
      const path = `/proc/${pid}/fd/${fd}`
      if (!concerns(basename(link(path)))) continue
      const flags = /^flags:\s*([0-7]+)/m.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1]
      if (flags === undefined || (Number.parseInt(flags, 8) & accessMode) === 0) continue
      try {
        open.add(fileIdentity(statSync(path)))
      } catch {
        // The process has closed it, or is gone.
      }
    }
  }
  return open
}

function isClosed(pid: number): boolean {
  try {
    readdirSync(`/proc/${pid}/fd`)
    return false
  } catch (error) {
    return systemCode(error) === 'EACCES'
  }
}

/** Whether a process is that other one, or comes from it. */
export function descendsFrom(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; at = Number(statFields(at)[1] ?? 0)) if (at === ancestor) return true
  return false
}
