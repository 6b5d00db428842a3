// brood itself, with a supervisor of its own that never meets the user's.
import { existsSync } from 'node:fs'
import { runCommand } from '../system/command.ts'
import { broodBuild, broodCommand, serverProgram } from '../system/paths.ts'
import type { Contestant, Place, Started } from './contestant.ts'

export const brood: Contestant = {
  key: 'brood',
  title: 'brood, slots',
  shape: 'supervised',
  start: (place) => startBrood(place, 'slots'),
}

export const broodShared: Contestant = {
  key: 'brood-shared',
  title: 'brood, shared socket',
  shape: 'supervised',
  start: (place) => startBrood(place, 'shared'),
}

export const broodBalanced: Contestant = {
  key: 'brood-balanced',
  title: 'brood, balanced',
  shape: 'supervised',
  start: (place) => startBrood(place, 'balanced'),
}

export const broodRebalanced: Contestant = {
  key: 'brood-rebalanced',
  title: 'brood, slots, rebalanced',
  shape: 'supervised',
  start: (place) => startBrood(place, 'slots', '--rebalance'),
}

export const broodSharedRebalanced: Contestant = {
  key: 'brood-shared-rebalanced',
  title: 'brood, shared socket, rebalanced',
  shape: 'supervised',
  start: (place) => startBrood(place, 'shared', '--rebalance'),
}

/** What brood itself costs: one process like the bare one, so the price of running two does not come into it. */
export const broodAlone: Contestant = {
  key: 'brood-one',
  title: 'brood, one worker',
  shape: 'single',
  start: (place) => startBrood({ ...place, workers: 1 }, 'slots'),
}

async function startBrood(place: Place, share: string, ...flags: string[]): Promise<Started> {
  if (!existsSync(broodBuild)) throw new Error(`${broodBuild} is missing: run \`npm run build\` first`)
  const options = { environment: broodEnvironment(place), directory: place.home, timeout: 30_000 }
  const command = (...words: string[]) =>
    runCommand(process.execPath, [broodCommand, ...words], { ...options, signal: place.signal })

  await command(
    ...['start', serverProgram, '--workers', String(place.workers), '--name', 'bench', '--share', share],
    ...['--env', `PORT=${place.port}`, ...flags],
  )
  const supervisor: { pid: number } = JSON.parse((await command('show', '--json')).stdout)
  return {
    supervisor: supervisor.pid,
    async end() {
      await runCommand(process.execPath, [broodCommand, 'kill'], options)
    },
  }
}

/** Gives it another number of workers; settles when they are ready. */
export async function scaleBrood(
  place: Pick<Place, 'environment' | 'home'>,
  workers: number,
  signal: AbortSignal,
): Promise<void> {
  const options = { environment: broodEnvironment(place), directory: place.home, timeout: 30_000, signal }
  await runCommand(process.execPath, [broodCommand, 'scale', 'bench', String(workers)], options)
}

/** The environment in which `brood` finds the supervisor of this place. */
export function broodEnvironment(place: Pick<Place, 'environment' | 'home'>): NodeJS.ProcessEnv {
  return { ...place.environment, BROOD_HOME: place.home }
}
