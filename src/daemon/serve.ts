// Runs a supervisor in this process: binds the control socket, serves it, and ends in order on signals.
import { chmodSync, rmSync } from 'node:fs'
import { systemClock } from '../kernel/clock.ts'
import { BroodError, systemCode } from '../kernel/errors.ts'
import { ControlClient } from './control/client.ts'
import { ControlServer } from './control/server.ts'
import { asHomeError, type Home, prepareHome } from './home.ts'
import { awaitLeftovers } from './leftovers.ts'
import { Supervisor } from './supervisor.ts'
import { version } from './version.ts'

export interface Served {
  readonly supervisor: Supervisor
  /** Settles when the supervisor has ended all apps and closed its socket. */
  readonly ended: Promise<void>
  /** Ends all apps; with `forget`, nothing is remembered for the next supervisor. */
  end(options: { forget: boolean }): Promise<void>
}

/** The caller holds the start lock. Without `remember`, nothing is kept for a later supervisor. Throws when another supervisor of this home is alive. */
export async function serve(home: Home, options: { remember: boolean }): Promise<Served> {
  prepareHome(home)
  const client = new ControlClient(home.socket, version)
  if (await client.isAlive()) {
    throw new BroodError(
      'supervisor_running',
      `a supervisor of ${home.path} is running already: use 'brood start', or end it with 'brood kill'`,
    )
  }
  await awaitLeftovers(home, systemClock)
  rmSync(home.socket, { force: true }) // left by one that was killed; nobody answers on it
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const supervisor = new Supervisor({
    home,
    version,
    clock: systemClock,
    onKilled: () => close(),
    ...options,
  })
  const control = new ControlServer(supervisor.handlers, version)
  const { server } = control
  const close = (): void => {
    control.end().then(resolve)
  }
  await new Promise<void>((listening, failed) => {
    server.once('error', (error) => {
      failed(systemCode(error) === 'EADDRINUSE' ? error : asHomeError(home, error))
    })
    server.listen(home.socket, () => {
      chmodSync(home.socket, 0o600)
      listening()
    })
  })
  return {
    supervisor,
    ended,
    async end(options) {
      await supervisor.shutDown(options)
      close()
      await ended
    },
  }
}
