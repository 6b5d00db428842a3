// Who of the workers starts the new supervisor: a file that one of them creates, worth nothing when it is old or its owner gone.
import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { systemCode } from '../kernel/errors.ts'

/** Its owner renews it long before, in milliseconds, as long as the supervisor that it has started comes up. */
const validFor = 1500

/**
 * Whether this process may start a supervisor now. Two may get a yes when an old claim is replaced at the same moment; a
 * supervisor's own lock sees to it that one is left.
 */
export function claimRescue(path: string): boolean {
  if (create(path)) return true
  if (isSomebodyElses(path)) return false
  dropClaim(path)
  return create(path)
}

/** For a claim of one's own: on a busy machine a supervisor takes seconds to come up, and a second one would make it take longer. */
export function renewClaim(path: string): void {
  try {
    if (ownerOf(path) !== process.pid) return
    const now = Date.now() / 1000
    utimesSync(path, now, now)
  } catch {
    // Removed by the supervisor, which serves now.
  }
}

/** A claim that cannot be removed (a disk that has become read-only, say) is worth nothing soon anyway. */
export function dropClaim(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // This runs within a program that knows nothing of it.
  }
}

function create(path: string): boolean {
  try {
    const fd = openSync(path, 'wx', 0o600)
    try {
      writeSync(fd, `${process.pid}`)
    } finally {
      closeSync(fd)
    }
    return true
  } catch (error) {
    // Where nothing can be written (a full disk, say), everybody may try.
    return systemCode(error) !== 'EEXIST' && !isStarved(error)
  }
}

/** One's own is left by the last time: the supervisor that came of it was killed before it could remove the claim. */
function isSomebodyElses(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > validFor) return false
    const owner = ownerOf(path)
    process.kill(owner, 0)
    return owner !== process.pid
  } catch (error) {
    return isStarved(error)
  }
}

/** Without a descriptor this process could start no supervisor, so others are to. */
function isStarved(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'EMFILE' || code === 'ENFILE'
}

function ownerOf(path: string): number {
  return Number(readFileSync(path, 'utf8'))
}
