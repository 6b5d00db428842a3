// `brood stop`: ends an app's workers and everything they started; the app stays known.
import type { Command } from 'commander'
import { actOnApps } from '../act-on-apps.ts'

export function stopCommand(): Command {
  return actOnApps('stop', 'end all workers and whatever they started', ({ app }) => `stopped ${app}`)
}
