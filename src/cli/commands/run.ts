// `brood run`: a program under supervision in the foreground, for containers, service managers and development.
import { Command } from 'commander'
import type { SpecFlags } from '../../config/specs.ts'
import { withStartOptions } from '../start-options.ts'

export interface RunFlags extends SpecFlags {
  logFiles?: boolean
  hints?: boolean
}

export function runCommand(): Command {
  return withStartOptions(new Command('run'), '<script|config>')
    .description('run a program under supervision in the foreground; its output goes to stdout')
    .option('--log-files', "keep log files too, so that 'brood logs' works beside it")
    .option('--hints', 'print what to try next')
    .action(async (argument: string, args: string[], flags: RunFlags) => {
      // As PID 1 of a container there is more to do than supervising: somebody must reap orphans.
      if (process.pid === 1) await import('../init.ts').then(({ becomeInit }) => becomeInit())
      const { runInForeground } = await import('../foreground.ts')
      process.exitCode = await runInForeground(argument, args, flags)
    })
}
