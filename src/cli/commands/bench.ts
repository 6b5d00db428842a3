// `brood bench`: puts a load on an address and shows how it was answered, and by whom; or compares share modes that way.
import { Command } from 'commander'
import { BroodError } from '../../kernel/errors.ts'
import type { LoadOptions } from '../bench/load-options.ts'
import { type Context, contextOf } from '../context.ts'

interface BenchOptions extends LoadOptions {
  compare?: string
  rounds?: string
  workers?: string
  port?: string
  path?: string
  json?: boolean
}

/** Milliseconds. */
const usualDuration = { once: 10_000, compared: 5000 }
/** What is printed keeps to it, however wide the terminal is. */
const widest = 80

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]

export function benchCommand(): Command {
  return new Command('bench')
    .argument('<url|script>', 'an address such as http://localhost:3000; with --compare a program')
    .argument('[args...]', 'with --compare: for the script, after --')
    .description('put a load on an address and show who answered; or compare share modes')
    .option('-c, --connections <n>', 'how many at a time', '100')
    .option('-d, --duration <time>', 'how long (default: 10s; with --compare 5s for each measurement)')
    .option('-p, --pipelining <n>', 'requests on their way on each connection', '1')
    .option('-m, --method <method>', 'of the request (default: GET; with -b POST)')
    .option('-H, --header <header>', "of the request: 'name: value'; repeatable", collect)
    .option('-b, --body <text>', 'of the request')
    .option('--short', 'a new connection for each request')
    .option('--compare <modes>', 'run a program in these share modes in turn: slots,shared,balanced,ports')
    .option('--rounds <n>', 'with --compare: how often each mode has its turn (default: 3)')
    .option('-w, --workers <n>', 'with --compare: how many workers (default: one per processor, at least 2)')
    .option('--port <port>', 'with --compare: the port of the program (default: any, told by PORT=0)')
    .option('--path <path>', 'with --compare: what to ask the program for (default: /)')
    .option('--json', 'print JSON')
    .action(async (target: string, args: string[], options: BenchOptions) => {
      const context = contextOf(options)
      if (options.compare !== undefined) return runCompare(target, args, options, options.compare, context)
      const [first] = (['rounds', 'workers', 'port', 'path'] as const).filter(
        (one) => options[one] !== undefined,
      )
      if (first !== undefined) throw new BroodError('usage', `--${first} goes with --compare`)
      if (args.length > 0)
        throw new BroodError('usage', `${args.join(' ')}: only --compare takes more than an address`)
      return runBench(target, options, context)
    })
}

async function runBench(target: string, options: BenchOptions, { client, terminal }: Context): Promise<void> {
  // Loaded here: other commands need none of it.
  const { loadOf, urlOf } = await import('../bench/load-options.ts')
  const { bench, hasAnswers } = await import('../bench/bench.ts')
  const { reportJson, reportText } = await import('../bench/report.ts')
  const { ProgressLine, progressText } = await import('../bench/progress.ts')
  const load = loadOf(urlOf(target).href, options, usualDuration.once)
  const line = new ProgressLine(process.stderr)
  // Who cannot wait for what there is presses Ctrl-C again.
  const signal = untilInterrupted('once')
  const report = await bench(load, client, signal, (tick) =>
    line.show(progressText(target, tick, load.duration)),
  ).finally(() => line.clear())
  if (terminal.json) terminal.printJson(reportJson(report))
  else terminal.print(reportText(report, Math.min(widest, terminal.width), terminal.style))
  if (!hasAnswers(report.result)) process.exitCode = 1
}

async function runCompare(
  script: string,
  args: readonly string[],
  options: BenchOptions,
  modes: string,
  { terminal }: Context,
): Promise<void> {
  const { loadOf, numberOf } = await import('../bench/load-options.ts')
  const { compare, modesOf } = await import('../bench/compare.ts')
  const { comparisonText, summarise } = await import('../bench/comparison.ts')
  const { ProgressLine, progressText } = await import('../bench/progress.ts')
  const path = options.path ?? '/'
  if (!path.startsWith('/')) throw new BroodError('usage', `--path ${path}: write a path that begins with /`)
  const rounds = numberOf('--rounds', options.rounds ?? '3', 100)
  const load = loadOf('', options, usualDuration.compared)
  const wanted = { modes: modesOf(modes), rounds, workers: options.workers, port: options.port, path }
  const line = new ProgressLine(process.stderr)
  // What was started has to be ended, however often somebody presses.
  const signal = untilInterrupted('on')
  const comparison = await compare(script, args, wanted, load, signal, (mode, round, tick) =>
    line.show(progressText(`${mode} ${round}/${rounds}`, tick, load.duration)),
  ).finally(() => line.clear())
  if (terminal.json) terminal.printJson({ ...comparison, summary: summarise(comparison.trials) })
  else terminal.print(comparisonText(comparison, Math.min(widest, terminal.width), terminal.style))
  if (!comparison.trials.some(({ requestsPerSecond }) => requestsPerSecond > 0)) process.exitCode = 1
}

function untilInterrupted(listen: 'on' | 'once'): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process[listen](signal, () => controller.abort())
  return controller.signal
}
