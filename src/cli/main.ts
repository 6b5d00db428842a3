// The `brood` command: reads the command line, runs one command, turns every failure into one line and an exit code.
import { Command, CommanderError } from 'commander'
import { version } from '../daemon/version.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { applyCommand } from './commands/apply.ts'
import { benchCommand } from './commands/bench.ts'
import { deleteCommand } from './commands/delete.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eventsCommand } from './commands/events.ts'
import { initCommand } from './commands/init.ts'
import { killCommand } from './commands/kill.ts'
import { listCommand } from './commands/list.ts'
import { logsCommand } from './commands/logs.ts'
import { proxyCommand } from './commands/proxy.ts'
import { reloadCommand } from './commands/reload.ts'
import { restartCommand } from './commands/restart.ts'
import { rollbackCommand } from './commands/rollback.ts'
import { runCommand } from './commands/run.ts'
import { scaleCommand } from './commands/scale.ts'
import { showCommand } from './commands/show.ts'
import { signalCommand } from './commands/signal.ts'
import { startCommand } from './commands/start.ts'
import { startupCommand } from './commands/startup.ts'
import { stopCommand } from './commands/stop.ts'
import { superviseCommand } from './commands/supervise.ts'
import { upgradeCommand } from './commands/upgrade.ts'
import { exitCodeOf } from './exit-codes.ts'

const commands = [
  startCommand,
  applyCommand,
  runCommand,
  listCommand,
  showCommand,
  reloadCommand,
  restartCommand,
  rollbackCommand,
  stopCommand,
  deleteCommand,
  scaleCommand,
  signalCommand,
  logsCommand,
  eventsCommand,
  benchCommand,
  proxyCommand,
  initCommand,
  upgradeCommand,
  killCommand,
  startupCommand,
  doctorCommand,
]

/** For service managers, not for people: not in the list of `brood --help`. */
const hiddenCommands = [superviseCommand]

export async function main(args: readonly string[]): Promise<void> {
  // `brood events | head`: whoever reads us has had enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const program = new Command('brood')
    .description('Run one Node program as many supervised processes that share one port.')
    .version(version, '-V, --version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nApps and slots: web, web/0, all.   Exit codes: 0 done, 1 failed, 2 usage, 3 no such app, 4 not ready in time.' +
        '\nFiles are under BROOD_HOME (~/.brood).',
    )
  for (const define of commands) program.addCommand(prepare(define()))
  for (const define of hiddenCommands) program.addCommand(prepare(define()), { hidden: true })
  prepare(program)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = fail(error, beforeScriptArguments(args).includes('--json'))
  }
}

/** Errors come back as exceptions, and in our form: one line on stderr. */
function prepare(command: Command): Command {
  return command.exitOverride().configureOutput({ outputError: () => {} })
}

function fail(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    // --help and --version end this way too.
    if (error.exitCode === 0) return 0
    return complain(new BroodError('usage', usageText(error.message)), json)
  }
  if (error instanceof BroodError) return complain(error, json)
  if (error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd')
    return complain(new BroodError('usage', 'the folder you are in has been removed: cd to another'), json)
  return complain(new BroodError('internal', messageOf(error), { cause: error }), json)
}

function usageText(message: string): string {
  if (message === '(outputHelp)') return "say what to do: 'brood --help' shows the commands"
  return message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
}

function complain(error: BroodError, json: boolean): number {
  const { code, message, detail } = error
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, detail } })}\n`)
  else {
    process.stderr.write(`brood: ${message}\n`)
    for (const line of detail) process.stderr.write(`  | ${line}\n`)
  }
  if (code === 'internal') process.stderr.write(`${error.cause instanceof Error ? error.cause.stack : ''}\n`)
  return exitCodeOf(code)
}

/** What follows `--` is the program's own. */
function beforeScriptArguments(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--')
  return at < 0 ? args : args.slice(0, at)
}
