// How a supervisor's process is started, whoever starts it: program, arguments, environment.
import { fileURLToPath } from 'node:url'
import { compiledForSize } from '../supervisor/compile-for-speed.ts'
import type { Home } from './home.ts'

/**
 * The descriptor on which a starter that holds the start lock waits for the supervisor's report. Without it the supervisor
 * takes the lock itself and reports to systemd. A variable and not a fixed number: sockets from systemd begin at 3.
 */
export const readyVariable = 'BROOD_READY_FD'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const main = fileURLToPath(new URL(`./main${import.meta.url.slice(-3)}`, import.meta.url))

/**
 * The supervisor's memory is counted against the apps', and it computes next to nothing: a small young generation, and code
 * that is not compiled for speed (5 MB less). `--lite-mode` would save one more, but could not be taken back.
 */
export const supervisorArgs: readonly string[] = ['--max-semi-space-size=1', ...compiledForSize, main]

/** What of this environment is a supervisor's own business: the rest may be an app's, and its secrets. */
const ownVariables =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|XDG_.*|NOTIFY_SOCKET|INVOCATION_ID|NODE_COMPILE_CACHE)$/

/** Before anything is taken from it. */
const environment = { ...process.env }

/** For a supervisor that a worker starts after this one: the worker's environment is its program's. */
export function successorEnvironment(home: Home): Record<string, string> {
  const own = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && ownVariables.test(entry[0]),
  )
  return { ...Object.fromEntries(own), BROOD_HOME: home.path }
}

/** Started from within a worker, a supervisor must not look like one. */
export function supervisorEnvironment(home: Home, ready?: number): NodeJS.ProcessEnv {
  const {
    BROOD_SLOT: _slot,
    BROOD_APP: _app,
    NODE_APP_INSTANCE: _instance,
    [readyVariable]: _ready,
    ...rest
  } = process.env
  return {
    ...rest,
    BROOD_HOME: home.path,
    ...(ready === undefined ? {} : { [readyVariable]: String(ready) }),
  }
}
