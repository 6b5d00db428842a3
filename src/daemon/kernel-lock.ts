// An exclusive lock of the kernel's, by way of SQLite: it ends with the process that holds it, however that dies.
import type { DatabaseSync } from 'node:sqlite'
import type { Millis } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { asHomeError, type Home } from './home.ts'

/** A connection that nobody refers to is collected as garbage, and its lock is given back: some are held for a whole life. */
const held = new Set<DatabaseSync>()

/**
 * Takes the lock, waiting for it (in a blocking way) for at most that long; undefined when somebody else has it. There is no
 * stale lock to argue about: what holds it is an open transaction, and the kernel gives that back.
 */
export function lock(home: Home, path: string, within: Millis): (() => void) | undefined {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  let database: DatabaseSync
  try {
    database = new DatabaseSync(path, { timeout: within })
  } catch (error) {
    throw asHomeError(home, error)
  }
  try {
    // Whoever waits takes over from somebody, and must come up on a full disk too; the first is told of it at once.
    if (within > 0) database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    held.add(database)
    return () => {
      held.delete(database)
      database.close()
    }
  } catch (cause) {
    database.close()
    if (resultOf(cause) === sqlite.busy) return undefined
    throw asLockError(home, path, cause)
  }
}

/** SQLite's result codes; the extended ones carry more in their higher bits. */
const sqlite = { busy: 5, full: 13 } as const

function asLockError(home: Home, path: string, error: unknown): BroodError {
  if (resultOf(error) === sqlite.full) {
    return asHomeError(home, Object.assign(new Error(messageOf(error)), { code: 'ENOSPC' }))
  }
  const message = `cannot use the lock ${path} (${messageOf(error)}): remove that file`
  return new BroodError('home_unusable', message, { cause: error })
}

function resultOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
