// `brood events`: what happened, and with -f what happens.
import { Command } from 'commander'
import type { HistoryEvent } from '../../daemon/event-log.ts'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'

export function eventsCommand(): Command {
  return new Command('events')
    .argument('[app]')
    .description('show what happened to apps and workers')
    .option('-f, --follow', 'go on with what happens from now')
    .option('--json', 'print JSON lines')
    .action(async (app: string | undefined, options: { follow?: boolean; json?: boolean }) => {
      const { client, terminal } = contextOf(options)
      const follow = options.follow ?? false
      await callForApp(app ?? 'all', async () => {
        for await (const event of client.events(app === undefined ? { follow } : { app, follow })) {
          if (terminal.json) terminal.printJson(event)
          else terminal.print(describe(event))
        }
      })
    })
}

function describe(event: HistoryEvent): string {
  const time = new Date(event.at).toLocaleTimeString('sv-SE') // 24 hours, two digits each
  const who =
    event.app === undefined ? '' : event.slot === undefined ? event.app : `${event.app}/${event.slot}`
  const pid = event.pid === undefined ? '' : ` pid ${event.pid}`
  return `${time}  ${[who, event.type].filter(Boolean).join(' ')}${pid}${event.reason === undefined ? '' : `: ${event.reason}`}`
}
