// `brood list`: every app and its workers.
import { Command } from 'commander'
import { BroodError } from '../../kernel/errors.ts'
import type { AppReport } from '../../supervisor/report.ts'
import { appTable } from '../app-table.ts'
import { type Context, contextOf } from '../context.ts'

export function listCommand(): Command {
  return new Command('list')
    .alias('ls')
    .description('show all apps and their workers')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const context = contextOf(options)
      const apps = await listApps(context)
      if (context.terminal.json) context.terminal.printJson(apps)
      else context.terminal.print(appTable(apps, context.terminal))
    })
}

/** Without a supervisor there are no apps; that is an answer, not a failure. */
async function listApps({ client }: Context): Promise<AppReport[]> {
  try {
    return await client.call('list', {})
  } catch (error) {
    if (error instanceof BroodError && error.code === 'no_supervisor') return []
    throw error
  }
}
