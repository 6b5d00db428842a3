// `brood logs`: what workers wrote to stdout and stderr, read from their own files.
import { Command } from 'commander'
import type { LogFile } from '../../daemon/log-files.ts'
import { BroodError } from '../../kernel/errors.ts'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'
import { followLogs, type OnLine, printTails } from '../log-follower.ts'
import type { Terminal } from '../terminal.ts'

export function logsCommand(): Command {
  return new Command('logs')
    .argument('[app|app/slot|all]', 'whose', 'all')
    .description('show what workers wrote')
    .option('-f, --follow', 'go on with what they write from now')
    .option('-n, --lines <n>', 'how many of the last lines of each file', '20')
    .option('--json', 'print JSON lines')
    .action(async (target: string, options: { follow?: boolean; lines: string; json?: boolean }) => {
      if (!/^\d{1,6}$/.test(options.lines))
        throw new BroodError('usage', `-n ${options.lines}: write a number of lines`)
      const { client, terminal } = contextOf(options)
      const files = await callForApp(target, () => client.call('logs', { target }))
      const onLine = linePrinter(terminal)
      const present = printTails(files, Number(options.lines), onLine)
      if (options.follow) await followLogs(files, present, onLine, untilInterrupted())
    })
}

/** `web/0 | text`, stderr with its bar in red. */
export function linePrinter(terminal: Terminal): OnLine {
  return ({ app, slot, stream }: LogFile, line) => {
    if (terminal.json) terminal.printJson({ app, slot, stream, line })
    else terminal.print(`${app}/${slot} ${stream === 'stderr' ? terminal.style('red', '|') : '|'} ${line}`)
  }
}

function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}
