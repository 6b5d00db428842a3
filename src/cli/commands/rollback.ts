// `brood rollback`: back to the description an app had before the latest change.
import { Command } from 'commander'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'
import { showResults } from '../show-results.ts'

export function rollbackCommand(): Command {
  return new Command('rollback')
    .argument('<app>')
    .description('give an app back the description it had before the latest change')
    .option('--json', 'print JSON')
    .action(async (app: string, options: { json?: boolean }) => {
      const { client, terminal } = contextOf(options)
      const result = await callForApp(app, () => client.call('rollback', { app }))
      showResults([result], terminal, () => `rolled back ${app}: 'brood show ${app}' tells what it is now`)
    })
}
