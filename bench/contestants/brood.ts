// brood itself, with a supervisor of its own that never meets the user's.
import { existsSync } from 'node:fs'
import { runCommand } from '../system/command.ts'
import { broodBuild, broodCommand, serverProgram } from '../system/paths.ts'
import type { Contestant, Place } from './contestant.ts'

export const brood: Contestant = {
  key: 'brood',
  title: 'brood, slots',
  shape: 'supervised',
  async start(place) {
    if (!existsSync(broodBuild)) throw new Error(`${broodBuild} is missing: run \`npm run build\` first`)
    const options = { environment: broodEnvironment(place), directory: place.home, timeout: 30_000 }
    const command = (...words: string[]) =>
      runCommand(process.execPath, [broodCommand, ...words], { ...options, signal: place.signal })

    await command(
      ...['start', serverProgram, '--workers', String(place.workers), '--name', 'bench'],
      ...['--env', `PORT=${place.port}`],
    )
    const supervisor: { pid: number } = JSON.parse((await command('show', '--json')).stdout)
    return {
      supervisor: supervisor.pid,
      async end() {
        await runCommand(process.execPath, [broodCommand, 'kill'], options)
      },
    }
  },
}

/** What brood itself costs: one process like the bare one, so the price of running two does not come into it. */
export const broodAlone: Contestant = {
  key: 'brood-one',
  title: 'brood, one worker',
  shape: 'single',
  start: (place) => brood.start({ ...place, workers: 1 }),
}

/** The environment in which `brood` finds the supervisor of this place. */
export function broodEnvironment(place: Pick<Place, 'environment' | 'home'>): NodeJS.ProcessEnv {
  return { ...place.environment, BROOD_HOME: place.home }
}
