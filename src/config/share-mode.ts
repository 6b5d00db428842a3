// Which share mode an app gets: the one it asks for, where this system has it.
import type { AppSpec } from './app-spec.ts'

type Mode = AppSpec['share']

/** Only Linux spreads connections over SO_REUSEPORT listeners; elsewhere the last one bound would get them all. */
const spreads = (platform: NodeJS.Platform): boolean => platform === 'linux'

export const defaultShareMode: 'slots' | 'shared' = spreads(process.platform) ? 'slots' : 'shared'

export function shareModeHere(mode: Mode, platform: NodeJS.Platform = process.platform): Mode {
  return mode === 'slots' && !spreads(platform) ? 'shared' : mode
}

/** What to tell people whose app runs in another mode than it asks for. */
export function insteadOf(mode: Mode, platform: NodeJS.Platform = process.platform): string | undefined {
  const here = shareModeHere(mode, platform)
  if (here === mode) return undefined
  return `share mode '${mode}' needs Linux, and this is ${platform}: it runs in '${here}'; 'balanced' spreads evenly, too`
}
