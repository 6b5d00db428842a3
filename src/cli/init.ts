// PID 1 in a container: orphaned processes become its children, and Node reaps only those it started itself.
import { existsSync } from 'node:fs'

const shell = '/bin/sh'

/**
 * A POSIX shell waits for any child, adopted ones too. This one starts brood as its child, passes signals on, and ends
 * with brood's exit code. `wait` returns early when a signal arrives, hence the loop.
 */
const script = `
"$@" &
child=$!
for signal in HUP INT QUIT TERM USR1 USR2; do trap "kill -$signal $child" $signal; done
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done
`

/** Becomes that shell, in this very process. Returns only where there is none; then orphans stay zombies. */
export function becomeInit(): void {
  if (!existsSync(shell) || process.execve === undefined) {
    process.stderr.write(
      'brood: PID 1 without /bin/sh cannot reap orphans: start the container with --init\n',
    )
    return
  }
  process.execve(shell, [
    shell,
    '-c',
    script,
    'brood-init',
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ])
}
