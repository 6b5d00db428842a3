// Only one process at a time may look whether a supervisor runs and start one.
import { BroodError } from '../kernel/errors.ts'
import type { Home } from './home.ts'
import { lock } from './kernel-lock.ts'

/** Longer than a supervisor takes to start on a busy machine. */
const waitMillis = 20_000

/** Runs `act` while holding the lock. */
export async function withStartLock<T>(home: Home, act: () => Promise<T>): Promise<T> {
  const release = lock(home, home.lock, waitMillis)
  if (release === undefined) {
    throw new BroodError(
      'supervisor_unreachable',
      `another 'brood start' has held ${home.lock} for ${waitMillis / 1000} s`,
    )
  }
  try {
    return await act()
  } finally {
    release()
  }
}
