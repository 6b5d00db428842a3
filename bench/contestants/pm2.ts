// PM2 in cluster mode, with a daemon of its own that never meets the user's.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../system/command.ts'
import { pm2Command, serverProgram } from '../system/paths.ts'
import type { Contestant, Place } from './contestant.ts'

export const pm2: Contestant = {
  key: 'pm2',
  title: 'pm2, cluster mode',
  shape: 'supervised',
  async start(place) {
    const environment = pm2Environment(place)
    const options = { environment, directory: place.home, timeout: 30_000 }
    await runCommand(
      process.execPath,
      [pm2Command, 'start', serverProgram, '--instances', String(place.workers), '--name', 'bench'],
      { ...options, signal: place.signal },
    )
    return {
      supervisor: Number(readFileSync(join(place.home, 'pm2.pid'), 'utf8')),
      async end() {
        await runCommand(process.execPath, [pm2Command, 'kill'], options)
      },
    }
  },
}

/** The environment in which `pm2` finds the daemon of this place. */
export function pm2Environment(place: Pick<Place, 'environment' | 'home'>): NodeJS.ProcessEnv {
  return {
    ...place.environment,
    PM2_HOME: place.home,
    // Without these it asks its makers' server for a newer version, on first use and once a day.
    PM2_DISCRETE_MODE: 'true',
    PM2_DISABLE_VERSION_CHECK: 'true',
  }
}
