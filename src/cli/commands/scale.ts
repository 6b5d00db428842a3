// `brood scale`: more or fewer workers, without a failed request either way.
import { Command } from 'commander'
import { BroodError } from '../../kernel/errors.ts'
import { appTable } from '../app-table.ts'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'

export function scaleCommand(): Command {
  return new Command('scale')
    .argument('<app>')
    .argument('<n|+n|-n>')
    .description('change the number of workers, without a failed request')
    .option('--json', 'print JSON')
    .allowUnknownOption() // `-2` is an argument here
    .action(async (app: string, change: string, options: { json?: boolean }) => {
      if (!/^[+-]?\d{1,4}$/.test(change)) {
        throw new BroodError('usage', `'${change}' is no number of workers: write 4, +1 or -1`)
      }
      const { client, terminal } = contextOf(options)
      const report = await callForApp(app, () => client.call('scale', { app, change }))
      if (terminal.json) terminal.printJson(report)
      else terminal.print(appTable([report], terminal))
    })
}
