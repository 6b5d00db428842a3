// `brood reload`: new workers in place of the old, slot by slot, without a failed request.
import type { Command } from 'commander'
import { actOnApps, workersText } from '../act-on-apps.ts'

export function reloadCommand(): Command {
  return actOnApps(
    'reload',
    'replace workers one after another, without a failed request',
    ({ app, report }) => `reloaded ${app}: ${workersText(report?.size ?? 0)}, ${report?.status}`,
  )
}
