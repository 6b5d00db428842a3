// What every command works with: the home it acts on, a client for its supervisor, and the terminal.
import { ControlClient } from '../daemon/control/client.ts'
import { type Home, homeOf } from '../daemon/home.ts'
import { version } from '../daemon/version.ts'
import { type Terminal, terminal } from './terminal.ts'

export interface Context {
  readonly home: Home
  readonly client: ControlClient
  readonly terminal: Terminal
}

export function contextOf(options: { json?: boolean }): Context {
  const home = homeOf()
  return {
    home,
    client: new ControlClient(home.socket, version, () => awaitSuccessor(home)),
    terminal: terminal({ json: options.json ?? false }),
  }
}

/** Where a supervisor was killed its workers live, and bring up the next one; for those that cannot, this command does. */
async function awaitSuccessor(home: Home): Promise<boolean> {
  const { findWorkers } = await import('../daemon/survivors.ts')
  if (findWorkers(home).length === 0) return false
  const { ensureSupervisor } = await import('../daemon/launch.ts')
  await ensureSupervisor(home)
  return true
}
