// `brood startup`: the systemd unit that brings the supervisor back at boot; shown first, written only with --write.
import { Command, Option } from 'commander'
import type { StartupFlags } from '../startup.ts'
import { terminal } from '../terminal.ts'

export function startupCommand(): Command {
  return new Command('startup')
    .description('show the systemd unit that starts the supervisor at boot; --write puts it in place')
    .option('--user <name>', 'as whom the supervisor runs (default: you)')
    .addOption(new Option('--system', 'a unit of the system; the default').conflicts('userUnit'))
    .option('--user-unit', 'a unit of your own, which needs no root')
    .option('--name <name>', 'name of the unit', 'brood')
    .option('--print', 'print the unit and nothing else')
    .addOption(new Option('--write', 'write the unit').conflicts('print'))
    .option('--remove', 'the way back: with --write the unit is removed')
    .option('--json', 'print JSON')
    .action(async (flags: StartupFlags) => {
      // Loaded here: it knows of the supervisor, of which no other command is to pay for.
      const { startup } = await import('../startup.ts')
      startup(flags, terminal({ json: flags.json ?? false }))
    })
}
