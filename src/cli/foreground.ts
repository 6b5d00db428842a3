// The supervisor in this very process: starts one app, shows its output, and ends with it.
import type { AppSpec } from '../config/app-spec.ts'
import { insteadOf } from '../config/share-mode.ts'
import { specsFrom } from '../config/specs.ts'
import { prepareHome } from '../daemon/home.ts'
import { logFiles } from '../daemon/log-files.ts'
import { type Served, serve } from '../daemon/serve.ts'
import { withStartLock } from '../daemon/start-lock.ts'
import { BroodError } from '../kernel/errors.ts'
import type { AppReport } from '../supervisor/report.ts'
import { appTable } from './app-table.ts'
import type { RunFlags } from './commands/run.ts'
import { contextOf } from './context.ts'
import { linePrinter } from './logs/line-printer.ts'
import { followLogs } from './logs/log-follower.ts'
import { StreamFiles } from './logs/stream-files.ts'
import type { Terminal } from './terminal.ts'

/** Settles with the exit code: 0 when it was told to end, 1 when the app failed for good. */
export async function runInForeground(
  argument: string,
  args: readonly string[],
  flags: RunFlags,
): Promise<number> {
  const { home, terminal } = contextOf({})
  const spec = theOne(await specsFrom(argument, args, flags, flags.logFiles ? 'files' : 'inherit'))
  prepareHome(home)
  const served = await withStartLock(home, () => serve(home, { remember: false }))
  const ending = new AbortController()
  const interrupted = untilSignalled(served, ending)
  try {
    if (flags.logFiles) {
      const streams = Array.from({ length: spec.maxWorkers }, (_, slot) => logFiles(home, spec.name, slot))
        .flat()
        .map((file) => new StreamFiles(file))
      void followLogs(streams, {}, linePrinter(terminal), ending.signal)
    }
    const notice = insteadOf(spec.share)
    if (notice !== undefined) terminal.note(`${spec.name}: ${notice}`)
    const report = await Promise.race([served.supervisor.commands.start(spec), interrupted])
    if (typeof report === 'number') return report // the end below stops what had begun to start
    greet(report, terminal, flags.hints ?? false)
    const failed = untilFailed(served, spec.name)
    const code = await Promise.race([interrupted, served.ended.then(() => 0), failed])
    if (code === 1) {
      const { failure } = served.supervisor.apps.get(spec.name).app
      terminal.note(`brood: ${spec.name} has failed: ${failure?.reason ?? 'all its workers ended'}`)
    }
    return code
  } catch (error) {
    if (ending.signal.aborted) return 0 // interrupted while it started
    throw error
  } finally {
    await served.end({ forget: true })
    ending.abort()
  }
}

/** The foreground has room for one. */
function theOne(specs: readonly AppSpec[]): AppSpec {
  const [spec] = specs
  if (spec !== undefined && specs.length === 1) return spec
  const names = specs.map(({ name }) => name).join(', ')
  throw new BroodError('usage', `run takes one app, and the file has ${names}: choose one with --only`)
}

function greet(report: AppReport, terminal: Terminal, hints: boolean): void {
  const { name, workers } = report
  const port = report.addresses.map((address) => /^\S+:(\d+)$/.exec(address)?.[1]).find(Boolean)
  terminal.note(`\n${appTable([report], terminal)}\n`)
  if (port !== undefined) terminal.note(`${name} answers on http://localhost:${port}`)
  if (!hints) return
  const victim = workers[0]?.pid ?? '<pid>'
  terminal.note(`
Try next, in a second terminal in this folder:
  curl localhost:${port}             ask it, more than once
  npx brood list                  the table above, as it is then
  npx brood reload ${name}          new workers for old, without a failed request
  kill -9 ${victim}                   a worker dies; another takes its place at once
  npx brood logs -f ${name}         what the workers write
  npx brood stop ${name}            end it; so does Ctrl-C here
`)
}

/** The first signal ends everything in order, the second at once. */
function untilSignalled(served: Served, ending: AbortController): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (ending.signal.aborted) {
          served.supervisor.killAll()
          return
        }
        ending.abort()
        resolve(0)
      })
    }
  })
}

/** The app was stopped from elsewhere, or all its slots have been given up. */
function untilFailed(served: Served, name: string): Promise<number> {
  return new Promise((resolve) => {
    served.supervisor.follow((event) => {
      if (event.app !== name) return
      if (event.type === 'stopped') resolve(0)
      const { apps } = served.supervisor
      if (event.type === 'finished') resolve(apps.report(apps.get(name)).status === 'failed' ? 1 : 0)
    })
  })
}
