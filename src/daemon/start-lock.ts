// Only one process at a time may look whether a supervisor runs and start one: a lock the kernel gives back by itself.
import { BroodError, messageOf } from '../kernel/errors.ts'
import { asHomeError, type Home } from './home.ts'

/** Longer than a supervisor takes to start on a busy machine. */
const waitMillis = 20_000

/**
 * Runs `act` while holding the lock. SQLite's exclusive transaction is a file lock of the kernel: it ends with the
 * process that holds it, however that dies, so there is no stale lock to argue about.
 */
export async function withStartLock<T>(home: Home, act: () => Promise<T>): Promise<T> {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  let database: InstanceType<typeof DatabaseSync>
  try {
    database = new DatabaseSync(home.lock, { timeout: waitMillis })
  } catch (error) {
    throw asHomeError(home, error)
  }
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    if (resultOf(cause) !== sqlite.busy) throw asLockError(home, cause)
    throw new BroodError(
      'supervisor_unreachable',
      `another 'brood start' has held ${home.lock} for ${waitMillis / 1000} s`,
      {
        cause,
      },
    )
  }
  try {
    return await act()
  } finally {
    database.close()
  }
}

/** SQLite's result codes; the extended ones carry more in their higher bits. */
const sqlite = { busy: 5, full: 13 } as const

function asLockError(home: Home, error: unknown): BroodError {
  if (resultOf(error) === sqlite.full) {
    return asHomeError(home, Object.assign(new Error(messageOf(error)), { code: 'ENOSPC' }))
  }
  const message = `cannot use the lock ${home.lock} (${messageOf(error)}): remove that file`
  return new BroodError('home_unusable', message, { cause: error })
}

function resultOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
