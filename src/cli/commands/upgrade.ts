// `brood upgrade`: a supervisor of this installation takes over from the one that runs; no worker is restarted.
import { Command } from 'commander'
import { ControlClient } from '../../daemon/control/client.ts'
import { version } from '../../daemon/version.ts'
import { BroodError } from '../../kernel/errors.ts'
import { contextOf } from '../context.ts'

/** Longer than a supervisor takes to start on a busy machine, in milliseconds. */
const patience = 15_000

export function upgradeCommand(): Command {
  return new Command('upgrade')
    .description('replace the running supervisor by the installed version; workers go on')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { home, client, terminal } = contextOf(options)
      const { supervisorArgs } = await import('../../daemon/supervisor-process.ts')
      const before = await client.call('status', {})
      const { successor } = await client.call('upgrade', { command: [process.execPath, ...supervisorArgs] })
      await untilTakenOver(new ControlClient(home.socket, version), successor)
      if (terminal.json) terminal.printJson({ pid: successor, version, from: before.version })
      else terminal.print(`brood ${version} supervises now (pid ${successor}), in place of ${before.version}`)
    })
}

async function untilTakenOver(client: ControlClient, successor: number): Promise<void> {
  const until = performance.now() + patience
  for (;;) {
    const pid = await pidOf(client)
    if (pid === successor) return
    if (performance.now() > until) {
      throw new BroodError(
        'supervisor_unreachable',
        `the new supervisor (pid ${successor}) does not answer: 'brood show' tells who does`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function pidOf(client: ControlClient): Promise<number | undefined> {
  try {
    return (await client.call('status', {})).pid
  } catch (error) {
    const gone =
      error instanceof BroodError && ['no_supervisor', 'supervisor_unreachable'].includes(error.code)
    if (gone) return undefined
    throw error
  }
}
