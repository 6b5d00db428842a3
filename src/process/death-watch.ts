// Ends a child's process group when this process dies, however it dies: a shell waits for the end of a pipe that only we hold.
import { spawn } from 'node:child_process'
import type { Millis } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'

/**
 * The first line is the group, the second `done` if the child has ended in time. End of file instead means that this
 * process is gone. Polls ten times a second, since a shell cannot wait for what is not its child.
 */
const script = `
read -r group && [ "$group" != done ] || exit 0
read -r word && [ "$word" = done ] && exit 0
kill -s "$1" -- "-$group" 2>/dev/null
tenths=$2
while [ "$tenths" -gt 0 ] && kill -0 -- "-$group" 2>/dev/null; do
  sleep 0.1
  tenths=$((tenths - 1))
done
kill -s KILL -- "-$group" 2>/dev/null
`

export interface DeathWatch {
  /** From now on this group ends with this process. */
  guard(group: number): void
  /** The child has ended; its number may soon be another's. */
  dismiss(): void
}

/** Begun before the child, so that there is no moment in which nobody watches. */
export function watchOwnDeath(signal: NodeJS.Signals, grace: Millis): DeathWatch {
  const tenths = String(Math.min(Math.ceil(grace / 100), 2 ** 31 - 1))
  const shell = spawn('/bin/sh', ['-c', script, 'brood-death-watch', signal.replace(/^SIG/, ''), tenths], {
    // In a session of its own: what ends this process, Ctrl-C for one, must not end its watcher first.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  })
  const { stdin } = shell
  shell.on('error', () => {}) // said below
  if (shell.pid === undefined || stdin === null) {
    throw new BroodError(
      'spawn_failed',
      "parentDeath 'end' needs /bin/sh, which could not be started: use 'end-on-exit'",
    )
  }
  stdin.on('error', () => {}) // somebody killed the watcher; the child lives on
  shell.unref()
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return {
    guard: (group) => stdin.write(`${group}\n`),
    dismiss: () => stdin.end('done\n'),
  }
}
