// `brood start`: puts a program, or the apps of a configuration file, under supervision and waits until all workers are ready.
import type { Command as CommandType } from 'commander'
import { Command } from 'commander'
import type { SpecFlags } from '../../config/specs.ts'
import { appTable } from '../app-table.ts'
import { contextOf } from '../context.ts'
import { withStartOptions } from '../start-options.ts'

export function startCommand(): CommandType {
  return withStartOptions(new Command('start'), '[script|config]')
    .description(
      'start a program, or the apps of a configuration file, under supervision in the background; without either, what was saved',
    )
    .option('--json', 'print JSON')
    .action(async (argument: string | undefined, args: string[], flags: SpecFlags & { json?: boolean }) => {
      // Loaded here: other commands need none of it.
      const { refuseFlags, specsFrom } = await import('../../config/specs.ts')
      const { isConfigFile } = await import('../../config/config-file.ts')
      const { ensureSupervisor } = await import('../../daemon/launch.ts')
      const { startApps } = await import('../start-apps.ts')
      const { home, client, terminal } = contextOf(flags)
      if (argument === undefined) {
        refuseFlags(flags)
        // What an earlier supervisor left wanted comes back with it.
        await ensureSupervisor(home)
        const apps = await client.call('list', {})
        if (terminal.json) terminal.printJson(apps)
        else terminal.print(appTable(apps, terminal))
        return
      }
      const specs = await specsFrom(argument, args, flags)
      await ensureSupervisor(home)
      const reports = await startApps(client, specs, terminal.note)
      if (!terminal.json) terminal.print(appTable(reports, terminal))
      else terminal.printJson(isConfigFile(argument) ? reports : reports[0])
    })
}
