// `brood signal`: sends a signal to workers.
import { constants } from 'node:os'
import { Command } from 'commander'
import { BroodError } from '../../kernel/errors.ts'
import { workersText } from '../act-on-apps.ts'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'

export function signalCommand(): Command {
  return new Command('signal')
    .argument('<app|app/slot|all>')
    .argument('<signal>', 'SIGUSR2, USR2 or its number')
    .description('send a signal to workers')
    .option('--json', 'print JSON')
    .action(async (target: string, name: string, options: { json?: boolean }) => {
      const signal = signalOf(name)
      const { client, terminal } = contextOf(options)
      const answer = await callForApp(target, () => client.call('signal', { target, signal }))
      if (terminal.json) terminal.printJson(answer)
      else terminal.print(`sent ${signal} to ${workersText(answer.reached)}`)
    })
}

function signalOf(name: string): NodeJS.Signals {
  const all = Object.entries(constants.signals) as [NodeJS.Signals, number][]
  const upper = name.toUpperCase()
  const found = all.find(([one, number]) => one === upper || one === `SIG${upper}` || `${number}` === name)
  if (found === undefined)
    throw new BroodError('usage', `'${name}' is no signal of this system: write SIGTERM, HUP or 10`)
  return found[0]
}
