// A supervisor for a while: in a folder of its own that is gone with it, so that nothing else is in its way or disturbed by it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlClient } from '../../daemon/control/client.ts'
import { homeOf } from '../../daemon/home.ts'
import { ensureSupervisor } from '../../daemon/launch.ts'
import { version } from '../../daemon/version.ts'
import { BroodError } from '../../kernel/errors.ts'

/** Ends it, with all that it started, when `act` has settled, or at once when `signal` aborts: what `act` waits for then fails. */
export async function withPassingBrood<T>(
  signal: AbortSignal,
  act: (client: ControlClient) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'brood-bench-'))
  try {
    const home = homeOf({ BROOD_HOME: folder })
    const client = new ControlClient(home.socket, version)
    await ensureSupervisor(home)
    let ending: Promise<void> | undefined
    const end = (): Promise<void> => {
      ending ??= kill(client)
      return ending
    }
    const endEarly = (): void => void end().catch(() => {}) // said when it is waited for
    signal.addEventListener('abort', endEarly, { once: true })
    try {
      return await act(client)
    } finally {
      signal.removeEventListener('abort', endEarly)
      await end()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** It is gone when it has answered. */
async function kill(client: ControlClient): Promise<void> {
  try {
    await client.call('kill', {})
  } catch (error) {
    if (!(error instanceof BroodError) || error.code !== 'no_supervisor') throw error
  }
}
