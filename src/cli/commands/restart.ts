// `brood restart`: stop, then start; also starts an app that was stopped.
import type { Command } from 'commander'
import { actOnApps, workersText } from '../act-on-apps.ts'

export function restartCommand(): Command {
  return actOnApps(
    'restart',
    'stop, then start again; for a change without interruption use reload',
    ({ app, report }) => `restarted ${app}: ${workersText(report?.size ?? 0)}, ${report?.status}`,
  )
}
