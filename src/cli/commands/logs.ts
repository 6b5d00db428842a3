// `brood logs`: what workers wrote to stdout and stderr, read from their own files.
import { Command } from 'commander'
import type { LogFile } from '../../daemon/log-files.ts'
import { BroodError, messageOf } from '../../kernel/errors.ts'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'
import { labelOf, linePrinter } from '../logs/line-printer.ts'
import type { LogQuery } from '../logs/log-entry.ts'
import { followLogs } from '../logs/log-follower.ts'
import { history } from '../logs/log-history.ts'
import { mergeEntries } from '../logs/merge-entries.ts'
import { StreamFiles } from '../logs/stream-files.ts'
import { pointInTime } from '../point-in-time.ts'

interface LogsOptions {
  follow?: boolean
  lines?: string
  since?: string
  until?: string
  grep?: string
  slot?: string
  err?: boolean
  out?: boolean
  json?: boolean
}

const usualLines = 20

export function logsCommand(): Command {
  return new Command('logs')
    .argument('[app|app/slot|all]', 'whose', 'all')
    .description('show what workers wrote')
    .option('-f, --follow', 'go on with what they write from now')
    .option(
      '-n, --lines <n>',
      `how many of the last lines of each file (default: ${usualLines}; with --since all)`,
    )
    .option('--since <time>', "written since: 10m (ago), 22:00, 'yesterday 22:00', 2026-11-21T10:00")
    .option('--until <time>', 'written until')
    .option('--grep <regex>', 'lines that match')
    .option('--slot <n>', 'of this slot')
    .option('--err', 'stderr only')
    .option('--out', 'stdout only')
    .option('--json', 'print JSON lines')
    .action(async (target: string, options: LogsOptions) => {
      const query = queryOf(options)
      const isWanted = filterOf(options)
      const { client, terminal } = contextOf(options)
      const files = await callForApp(target, () => client.call('logs', { target }))
      const streams = files.filter(isWanted).map((file) => new StreamFiles(file))
      const print = linePrinter(terminal, {
        width: process.stdout.isTTY ? terminal.width : undefined,
        labels: streams.filter(({ generations }) => generations.length > 0).map(({ file }) => labelOf(file)),
      })
      await mergeEntries(
        streams.map((stream) => history(stream.file, stream.generations, query)),
        print,
      )
      if (options.follow) await followLogs(streams, query, print, untilInterrupted())
      else for (const stream of streams) stream.close()
    })
}

function queryOf({ lines, since, until, grep, follow }: LogsOptions): LogQuery {
  if (follow && until !== undefined)
    throw new BroodError('usage', '-f goes on, --until ends: use one of them')
  if (lines !== undefined && !/^\d{1,6}$/.test(lines))
    throw new BroodError('usage', `-n ${lines}: write a number of lines`)
  const now = Date.now()
  return {
    lines: lines === undefined ? (since === undefined ? usualLines : undefined) : Number(lines),
    since: since === undefined ? undefined : pointInTime('--since', since, now),
    until: until === undefined ? undefined : pointInTime('--until', until, now),
    grep: grep === undefined ? undefined : patternOf(grep),
  }
}

function patternOf(grep: string): RegExp {
  try {
    return new RegExp(grep)
  } catch (cause) {
    throw new BroodError('usage', `--grep ${grep}: ${messageOf(cause)}: write a regular expression`, {
      cause,
    })
  }
}

function filterOf({ slot, err, out }: LogsOptions): (file: LogFile) => boolean {
  if (slot !== undefined && !/^\d{1,4}$/.test(slot))
    throw new BroodError('usage', `--slot ${slot}: write the number of a slot`)
  if (err && out) throw new BroodError('usage', 'use either --err or --out: without them both are shown')
  return (file) =>
    (slot === undefined || file.slot === Number(slot)) &&
    !(err && file.stream === 'stdout') &&
    !(out && file.stream === 'stderr')
}

function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}
