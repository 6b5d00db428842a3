// brood itself, with a supervisor of its own that never meets the user's.
import { existsSync } from 'node:fs'
import { runCommand } from '../system/command.ts'
import { blocksProgram, broodBuild, broodCommand, serverProgram } from '../system/paths.ts'
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

/** With the built-in proxy, whose processor time counts. */
export const broodPorts: Contestant = {
  key: 'brood-ports',
  title: 'brood, ports',
  shape: 'supervised',
  start: (place) => startBrood(place, 'ports'),
}

export const broodPortsTcp: Contestant = {
  key: 'brood-ports-tcp',
  title: 'brood, ports, tcp',
  shape: 'supervised',
  start: (place) => startBrood(place, 'ports', { flags: ['--proxy', 'tcp'] }),
}

export const broodRebalanced: Contestant = {
  key: 'brood-rebalanced',
  title: 'brood, slots, rebalanced',
  shape: 'supervised',
  start: (place) => startBrood(place, 'slots', { flags: ['--rebalance'] }),
}

export const broodSharedRebalanced: Contestant = {
  key: 'brood-shared-rebalanced',
  title: 'brood, shared socket, rebalanced',
  shape: 'supervised',
  start: (place) => startBrood(place, 'shared', { flags: ['--rebalance'] }),
}

/** What brood itself costs: one process like the bare one, so the price of running two does not come into it. */
export const broodAlone: Contestant = {
  key: 'brood-one',
  title: 'brood, one worker',
  shape: 'single',
  start: (place) => startBrood({ ...place, workers: 1 }, 'slots'),
}

/** Of which one worker can be made to block; the second: with workers that cannot stand in for it. */
export const broodBlocked: readonly Contestant[] = [
  { share: 'slots', title: 'slots', environment: {} },
  { share: 'slots', title: 'slots, no adoption', environment: { STAND_IN: 'no' } },
  { share: 'shared', title: 'shared', environment: {} },
  { share: 'balanced', title: 'balanced', environment: {} },
  // By its cookie whoever has a worker block keeps to the same one.
  { share: 'ports', title: 'ports', environment: {}, flags: ['--sticky'] },
  { share: 'ports', title: 'ports, tcp', environment: {}, flags: ['--proxy', 'tcp'] },
].map(({ share, title, environment, flags }) => ({
  key: `brood-blocked-${title.replaceAll(/\W+/g, '-')}`,
  title,
  shape: 'supervised',
  start: (place) => startBrood(place, share, { program: blocksProgram, environment, flags: flags ?? [] }),
}))

interface Told {
  readonly program?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
}

async function startBrood(
  place: Place,
  share: string,
  { program = serverProgram, environment = {}, flags = [] }: Told = {},
): Promise<Started> {
  if (!existsSync(broodBuild)) throw new Error(`${broodBuild} is missing: run \`npm run build\` first`)
  const options = { environment: broodEnvironment(place), directory: place.home, timeout: 30_000 }
  const command = (...words: string[]) =>
    runCommand(process.execPath, [broodCommand, ...words], { ...options, signal: place.signal })

  await command(
    ...['start', program, '--workers', String(place.workers), '--name', 'bench', '--share', share],
    ...Object.entries({ PORT: `${place.port}`, ...environment }).flatMap(([name, value]) => [
      '--env',
      `${name}=${value}`,
    ]),
    ...flags,
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
