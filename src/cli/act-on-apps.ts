// The commands that do one thing to an app, a slot or all apps, and tell what became of each.
import { Command } from 'commander'
import type { AppResult } from '../daemon/control/contract.ts'
import { callForApp } from './call-for-app.ts'
import { contextOf } from './context.ts'
import { showResults } from './show-results.ts'

export type AppOperation = 'reload' | 'restart' | 'stop' | 'delete'

export function actOnApps(
  operation: AppOperation,
  description: string,
  done: (result: AppResult) => string,
): Command {
  const argument = operation === 'reload' ? '<app|app/slot|all>' : '<app|all>'
  return new Command(operation)
    .argument(argument)
    .description(description)
    .option('--json', 'print JSON')
    .action(async (target: string, options: { json?: boolean }) => {
      const { client, terminal } = contextOf(options)
      const results = await callForApp(target, () => client.call(operation, { target }))
      showResults(results, terminal, done)
    })
}

/** `2 workers`, `1 worker`. */
export function workersText(count: number): string {
  return count === 1 ? '1 worker' : `${count} workers`
}
