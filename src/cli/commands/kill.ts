// `brood kill`: ends all apps and the supervisor itself, for good.
import { Command } from 'commander'
import { systemClock } from '../../kernel/clock.ts'
import { BroodError } from '../../kernel/errors.ts'
import { contextOf } from '../context.ts'

/** How long workers without a supervisor may take to end, in milliseconds. */
const orphanGrace = 10_000

export function killCommand(): Command {
  return new Command('kill')
    .description('end all apps and the supervisor, for good')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { home, client, terminal } = contextOf(options)
      try {
        const { apps } = await client.call('kill', {})
        if (terminal.json) terminal.printJson({ killed: true, apps })
        else
          terminal.print(
            `ended the supervisor${apps === 0 ? '' : ` and ${apps === 1 ? '1 app' : `${apps} apps`}`}`,
          )
      } catch (error) {
        if (!(error instanceof BroodError) || error.code !== 'no_supervisor') throw error
        // What a supervisor that was killed left behind, and workers that could not bring up another.
        const { endHeirs, endRemains, endWorkers, findWorkers } = await import('../../daemon/survivors.ts')
        await endWorkers(findWorkers(home), orphanGrace, systemClock)
        await endRemains(home, [], systemClock)
        endHeirs(home)
        const { forgetState } = await import('../../daemon/state-file.ts')
        forgetState(home)
        if (terminal.json) terminal.printJson({ killed: false, apps: 0 })
        else terminal.print('no supervisor is running')
      }
    })
}
