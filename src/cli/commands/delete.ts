// `brood delete`: stops an app and forgets it.
import type { Command } from 'commander'
import { actOnApps } from '../act-on-apps.ts'

export function deleteCommand(): Command {
  return actOnApps('delete', 'stop an app and forget it', ({ app }) => `deleted ${app}`)
}
