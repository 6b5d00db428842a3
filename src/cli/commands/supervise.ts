// `brood supervise`: the supervisor in this very process; it is what the systemd unit runs.
import { Command } from 'commander'
import { homeOf } from '../../daemon/home.ts'
import { supervisorArgs, supervisorEnvironment } from '../../daemon/supervisor-process.ts'
import { BroodError } from '../../kernel/errors.ts'

export function superviseCommand(): Command {
  return new Command('supervise')
    .description('run the supervisor in the foreground, for a service manager')
    .action(async () => {
      const env = supervisorEnvironment(homeOf())
      if (process.env.LISTEN_PID === String(process.pid)) {
        // Node marks every descriptor it has inherited as close-on-exec: sockets from systemd would not survive the call below.
        delete process.env.BROOD_READY_FD
        await import('../../daemon/main.ts')
        return
      }
      if (process.execve === undefined)
        throw new BroodError('usage', "this system cannot replace a process: use 'brood start'")
      // The same process goes on, so that systemd's main process is the supervisor, without the command line in its memory.
      process.execve(process.execPath, [process.execPath, ...supervisorArgs], definedOnly(env))
    })
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
