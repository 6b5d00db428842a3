// `brood events`: what happened, in sentences, and with -f what happens; from the file when no supervisor runs.
import { Command } from 'commander'
import { type EventQuery, type HistoryEvent, mostEvents, usualEventLimit } from '../../daemon/event.ts'
import { BroodError } from '../../kernel/errors.ts'
import { callForApp } from '../call-for-app.ts'
import { type Context, contextOf } from '../context.ts'
import { eventLines } from '../event-lines.ts'
import { pointInTime } from '../point-in-time.ts'

interface Options {
  readonly app?: string
  readonly since?: string
  readonly until?: string
  readonly lines: string
  readonly follow?: boolean
  readonly json?: boolean
}

export function eventsCommand(): Command {
  return new Command('events')
    .argument('[app]')
    .description('tell what happened to apps and workers')
    .option('--app <name>', 'the same as the argument')
    .option('--since <time>', "from then on: 1h (ago), 22:00, 'yesterday 22:00', 2026-11-20T22:00")
    .option('--until <time>', 'up to then')
    .option('-n, --lines <n>', 'how many of the latest events', `${usualEventLimit}`)
    .option('-f, --follow', 'go on with what happens from now')
    .option('--json', 'print JSON lines')
    .action(async (argument: string | undefined, options: Options) => {
      const context = contextOf(options)
      const query = queryOf(argument, options)
      const print = printer(context)
      let count = 0
      await callForApp(query.app ?? 'all', async () => {
        for await (const event of eventsOf(context, query, options.follow ?? false)) {
          print(event)
          count++
        }
      })
      if (options.since !== undefined && !options.follow && !options.json && count === query.limit) {
        context.terminal.note(`brood: these are the latest ${count} since then; -n shows more`)
      }
    })
}

function queryOf(argument: string | undefined, options: Options): EventQuery {
  const app = argument ?? options.app
  if (options.app !== undefined && options.app !== app) {
    throw new BroodError('usage', `${argument} or ${options.app}? name one app`)
  }
  if (options.follow && options.until !== undefined) {
    throw new BroodError('usage', '-f goes on, --until ends: use one of them')
  }
  const limit = Number(options.lines)
  if (!/^\d{1,5}$/.test(options.lines) || limit < 1 || limit > mostEvents) {
    throw new BroodError('usage', `-n ${options.lines}: write a number from 1 to ${mostEvents}`)
  }
  const point = (option: string, text: string | undefined): number | undefined =>
    text === undefined ? undefined : pointInTime(option, text, Date.now())
  return { app, since: point('--since', options.since), until: point('--until', options.until), limit }
}

/** From the supervisor; from the file when there is none, so that the history can be asked after everything has died. */
async function* eventsOf(
  { client, home }: Context,
  query: EventQuery,
  follow: boolean,
): AsyncGenerator<HistoryEvent> {
  try {
    yield* client.events({ ...query, types: undefined, follow })
  } catch (error) {
    if (!(error instanceof BroodError) || error.code !== 'no_supervisor') throw error
    const { app } = query
    const { readEvents } = await import('../../daemon/event-database.ts')
    const known = readEvents(home.events, { app, limit: 1 })
    if (known === undefined || (app !== undefined && known.length === 0)) throw error
    yield* readEvents(home.events, query) ?? []
    if (follow) throw error
  }
}

function printer({ terminal }: Context): (event: HistoryEvent) => void {
  if (terminal.json) return (event) => terminal.printJson(event)
  const linesOf = eventLines(terminal)
  return (event) => terminal.print(linesOf(event).join('\n'))
}
