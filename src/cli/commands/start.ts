// `brood start`: puts a program under supervision and waits until all its workers are ready.
import type { Command as CommandType } from 'commander'
import { Command } from 'commander'
import type { StartFlags } from '../../config/from-flags.ts'
import { appTable } from '../app-table.ts'
import { contextOf } from '../context.ts'
import { withStartOptions } from '../start-options.ts'

export function startCommand(): CommandType {
  return withStartOptions(new Command('start'))
    .description('start a program under supervision, in the background')
    .option('--json', 'print JSON')
    .action(async (script: string, args: string[], flags: StartFlags & { json?: boolean }) => {
      // Loaded here: other commands need neither.
      const { specFromFlags } = await import('../../config/from-flags.ts')
      const { ensureSupervisor } = await import('../../daemon/launch.ts')
      const { home, client, terminal } = contextOf(flags)
      const spec = specFromFlags(script, args, flags, 'files')
      await ensureSupervisor(home, client)
      const report = await client.call('start', { spec })
      if (terminal.json) terminal.printJson(report)
      else terminal.print(appTable([report], terminal))
    })
}
