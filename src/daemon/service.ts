// A supervisor as the main process of a systemd unit: one that is there already is given to systemd instead.

import { type Clock, systemClock } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { ControlClient } from './control/client.ts'
import { endOnSignals } from './end-on-signals.ts'
import { type Home, homeOf, prepareHome } from './home.ts'
import { awaitIncumbent, incumbentOf, isOfThisUnit } from './incumbent.ts'
import { regainLimits } from './regained-limits.ts'
import { type Served, serve } from './serve.ts'
import { ServiceManager } from './service-manager.ts'
import { withStartLock } from './start-lock.ts'
import { version } from './version.ts'

/** The unit's `RestartPreventExitStatus=`: trying again would find the same. EX_CONFIG of sysexits.h. */
export const hopelessExitCode = 78

/** Settles with the exit code when the supervisor has ended, or when another one goes on in its place. */
export async function superviseAsService(clock: Clock = systemClock): Promise<number> {
  const systemd = new ServiceManager(process.env)
  try {
    const home = homeOf()
    prepareHome(home)
    process.chdir(home.path)
    const client = new ControlClient(home.socket, version)
    const found =
      (await awaitIncumbent(home, client, clock)) ??
      // Between that look and the lock somebody else may have started one. No waiting here: whoever does needs the lock.
      (await withStartLock(home, async () => (await incumbentOf(client)) ?? start(home, systemd)))
    if ('ended' in found) {
      await systemd.supervisedBy(process.pid, home)
      await found.ended
      return 0
    }
    assertOfThisUnit(found.pid, home)
    await systemd.supervisedBy(found.pid, home)
    await regainLimits(client)
    return 0
  } catch (error) {
    process.stderr.write(`brood: ${messageOf(error)}\n`)
    return error instanceof BroodError && error.code === 'supervisor_running' ? hopelessExitCode : 1
  }
}

async function start(home: Home, systemd: ServiceManager): Promise<Served> {
  const served = await serve(home, { remember: true })
  endOnSignals(served, () => systemd.ending())
  return served
}

function assertOfThisUnit(pid: number, home: Home): void {
  if (isOfThisUnit(pid)) return
  throw new BroodError(
    'supervisor_running',
    `a supervisor of ${home.path} runs outside of this unit (pid ${pid}): end it with 'kill ${pid}', ` +
      'which remembers its apps, and start the unit again',
  )
}
