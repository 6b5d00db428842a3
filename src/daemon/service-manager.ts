// What systemd is told of a supervisor that runs as a unit; without a unit, nobody is told anything.
import type { Home } from './home.ts'
import { notifySystemd } from './sd-notify.ts'

/** The manager's socket is kept from what this process starts: a program is not the one to say that the unit is ready. */
export class ServiceManager {
  readonly #env: NodeJS.ProcessEnv

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = { ...env }
    delete env.NOTIFY_SOCKET
  }

  /** This process is the unit's supervisor from now on: it may be another than systemd has started. */
  supervisedBy(pid: number, home: Home): Promise<void> {
    return this.#tell([`MAINPID=${pid}`, 'READY=1', `STATUS=supervising ${home.path}`])
  }

  ending(): void {
    void this.#tell(['STOPPING=1', 'STATUS=ending all apps; they are remembered'])
  }

  async #tell(lines: readonly string[]): Promise<void> {
    const problem = await notifySystemd(lines, this.#env)
    if (problem !== undefined) process.stderr.write(`brood: systemd was not told ${lines[0]}: ${problem}\n`)
  }
}
