// The options that `start` and `run` share.
import type { Command } from 'commander'
import { defaultShareMode } from '../config/share-mode.ts'

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]

export function withStartOptions(command: Command): Command {
  return command
    .argument('<script>', '.js, .mjs, .cjs or .ts')
    .argument('[args...]', 'for the script, after --')
    .option('-w, --workers <n>', 'how many workers: a number, max (one per processor), -1 (all but one)', '1')
    .option('--name <name>', "the app's name (default: the script's)")
    .option('--port <port>', 'bind this port first, and tell the program by PORT')
    .option('--env <name=value>', 'a variable for the program; repeatable', collect)
    .option('--cwd <folder>', 'where the program runs (default: here)')
    .option('--node-arg <arg>', 'an argument for Node itself; repeatable', collect)
    .option('--max-workers <n>', 'the most that scale may ask for (default: 64)')
    .option('--share <mode>', `how workers share an address: slots, shared (default: ${defaultShareMode})`)
    .option(
      '--ready <when>',
      "what makes a worker ready: listening, message (process.send('ready')), spawn",
      'listening',
    )
    .option('--ready-timeout <time>', 'how long it may take to become ready', '30s')
    .option('--settle <time>', 'how long a reload waits before it trusts a new worker', '250ms')
    .option(
      '--grace <time>',
      'how long a worker may take to end: finish, signal at 80 % at the latest, SIGKILL',
      '10s',
    )
    .option('--stop-signal <signal>', 'what tells the program to end', 'SIGTERM')
    .option(
      '--restart <policy>',
      'after an exit: permanent, transient (only if abnormal), temporary (never)',
      'permanent',
    )
    .option('--intensity <n>', 'restarts of one slot within the period before it is given up', '5')
    .option('--period <time>', 'the period of the intensity', '10s')
}
