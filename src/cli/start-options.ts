// The options that `start` and `run` share.
import type { Command } from 'commander'
import { defaultShareMode } from '../config/share-mode.ts'

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]

/** `--watch` may stand without a path, with one, or several times. */
const collectPaths = (value: string, before: true | readonly string[] | undefined): readonly string[] =>
  collect(value, before === true ? undefined : before)

/** `program`: how the argument is written, `<…>` where it has to be given. */
export function withStartOptions(command: Command, program: string): Command {
  command
    .argument(program, 'a program, or a configuration file with its apps')
    .argument('[args...]', 'for the script, after --')
  withConfigOptions(command)
    .option(
      '-w, --workers <n>',
      'how many workers: a number, max (one per processor), -1 (all but one) (default: 1)',
    )
    .option('--name <name>', "the app's name (default: the script's)")
    .option('--port <port>', 'bind this port first, and tell the program by PORT')
    .option('--env-file <file>', 'variables from a file; repeatable', collect)
    .option('--cwd <folder>', 'where the program runs (default: here)')
    .option(
      '--interpreter <program>',
      "what runs the script; 'none': the script is a program (default: by its ending)",
    )
    .option('--node-arg <arg>', 'an argument for Node itself; repeatable', collect)
    .option('--max-workers <n>', 'the most that scale may ask for (default: 64)')
    .option(
      '--share <mode>',
      `how workers share an address: slots, shared, balanced, ports (default: ${defaultShareMode})`,
    )
    .option(
      '--balance <algorithm>',
      'who gets the next connection: round-robin, least-connections, two-choices, weighted, random, ip-hash, ewma',
    )
    .option(
      '--worker-ports <first>',
      'with share mode ports: the port of worker 0; the others have the next ones',
    )
    .option(
      '--proxy <kind>',
      "with share mode ports: what is in front: http, tcp, 'off' for your own (default: by what the program speaks)",
    )
    .option(
      '--sticky [cookie]',
      'with share mode ports: keep each client with its worker, by a cookie (default: brood)',
    )
    .option('--rebalance', 'move idle keep-alive connections from full workers to empty ones')
  startingAndEnding(command)
  return replacingAndLogging(command)
}

/** What a configuration file leaves to the command line. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('--only <name>', 'of a configuration file, this app alone; repeatable', collect)
    .option('--env-name <name>', "of a configuration file, the layer of variables in 'envs'")
    .option('--env <name=value>', 'a variable for the program; repeatable', collect)
}

function startingAndEnding(command: Command): Command {
  return command
    .option(
      '--depends-on <app>',
      'start when this app is ready; also tcp:host:port, http://…; repeatable',
      collect,
    )
    .option(
      '--ready <when>',
      "what makes a worker ready: listening, message (process.send('ready')), spawn, or a probe: http:/path, http://host:port/path, tcp:port (default: listening)",
    )
    .option('--ready-timeout <time>', 'how long it may take to become ready (default: 30s)')
    .option('--settle <time>', 'how long a reload waits before it trusts a new worker (default: 250ms)')
    .option(
      '--live <probe>',
      'a probe that a worker must go on to pass: http:/path, http://host:port/path, tcp:port',
    )
    .option('--watchdog <time>', "replace a worker whose event loop hangs for so long; 'off' (default: 30s)")
    .option(
      '--grace <time>',
      'how long a worker may take to end: finish, signal at 80 % at the latest, SIGKILL (default: 10s)',
    )
    .option('--stop-signal <signal>', 'what tells the program to end (default: SIGTERM)')
    .option(
      '--restart <policy>',
      'after an exit: permanent, transient (only if abnormal), temporary (never) (default: permanent)',
    )
    .option('--intensity <n>', 'restarts of one slot within the period before it is given up (default: 5)')
    .option('--period <time>', 'the period of the intensity (default: 10s)')
    .option('--backoff-from <time>', 'the first delay between two restarts (default: 100ms)')
    .option('--backoff-to <time>', 'the longest delay between two restarts (default: 30s)')
    .option('--jitter <share>', 'by how much such a delay differs at random, 0 to 1 (default: 0)')
    .option('--stop-exit-code <code>', 'an exit code after which nothing is restarted; repeatable', collect)
}

function replacingAndLogging(command: Command): Command {
  return command
    .option('--max-memory <size>', 'replace a worker that has more, such as 512MB')
    .option('--max-requests <n>', 'replace a worker after so many requests')
    .option('--max-age <time>', 'replace a worker after so long')
    .option('--cron <pattern>', "replace all workers at these times, such as '0 3 * * *'")
    .option('--parallel <n>', 'how many workers a reload replaces at a time (default: 1)')
    .option('--canary <time>', 'how long a reload watches its first new worker before it goes on')
    .option('--watch [path]', 'reload when a file changes; repeatable (default: the folder)', collectPaths)
    .option('--ignore-watch <pattern>', 'but not one of these; repeatable', collect)
    .option('--uid <user>', 'as which user the workers run')
    .option('--gid <group>', 'as which group the workers run')
    .option('--nice <n>', 'priority, from -20 (first) to 19 (last)')
    .option('--cpu-limit <n>', 'processors for the whole app, such as 1.5')
    .option('--memory-limit <size>', 'memory for the whole app, such as 1GB')
    .option('--log-format <format>', 'raw, text (with the time), json (default: raw)')
    .option('--log-size <size>', 'rotate a log file that has grown to this')
    .option('--log-every <time>', 'rotate log files so often')
    .option('--log-keep <n>', 'how many rotated files are kept (default: 10)')
    .option('--hook <event=command|url>', 'tell others of an event: crash=./notify.sh; repeatable', collect)
}
