// BROOD_HOME: where a supervisor keeps its socket, state, events and logs, and whether this user may use it.
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'

export interface Home {
  readonly path: string
  readonly socket: string
  readonly state: string
  readonly events: string
  readonly logs: string
  readonly lock: string
  /** Held by a supervisor for its whole life: there is never more than one. */
  readonly reign: string
  /** Names the worker that is bringing a supervisor back just now. */
  readonly claim: string
  /** What the daemon itself writes to its stderr. */
  readonly ownLog: string
}

/** The kernel's limit on the length of a unix socket's path. */
const longestSocketPath = 107

export function homeOf(env: NodeJS.ProcessEnv = process.env): Home {
  const path = resolve(env.BROOD_HOME || join(homedir(), '.brood'))
  const home: Home = {
    path,
    socket: join(path, 'control.sock'),
    state: join(path, 'state.json'),
    events: join(path, 'events.db'),
    logs: join(path, 'logs'),
    lock: join(path, 'start.lock'),
    reign: join(path, 'supervisor.lock'),
    claim: join(path, 'rescue.claim'),
    ownLog: join(path, 'supervisor.log'),
  }
  if (Buffer.byteLength(home.socket) > longestSocketPath) {
    throw new BroodError(
      'home_unusable',
      `BROOD_HOME is too long for a unix socket: ${path}: choose a shorter path`,
    )
  }
  return home
}

/** Creates the folder (mode 0700) if need be, and makes sure it is ours to use. */
export function prepareHome(home: Home): void {
  try {
    makeFolder(home.path)
    const stat = statSync(home.path)
    if (!stat.isDirectory()) throw unusable(home, 'is not a directory')
    const me = process.getuid?.()
    if (me !== undefined && stat.uid !== me) {
      throw unusable(home, `belongs to another user (uid ${stat.uid}, you are ${me})`)
    }
    accessSync(home.path, constants.R_OK | constants.W_OK | constants.X_OK)
    makeFolder(home.logs)
  } catch (error) {
    throw asHomeError(home, error)
  }
}

/** Node's own `recursive: true` never ends below a folder such as /proc, where nothing can be made and ENOENT says so. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && statSync(path).isDirectory()) return
    if (systemCode(error) !== 'ENOENT' || existsSync(dirname(path))) throw error
    makeFolder(dirname(path))
    mkdirSync(path, { mode: 0o700 })
  }
}

/** Turns what the file system said about something under BROOD_HOME into an error that says what to do. */
export function asHomeError(home: Home, error: unknown): BroodError {
  if (error instanceof BroodError) return error
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new BroodError(
        'disk_full',
        `no space left on the disk of BROOD_HOME (${home.path}): make room and try again`,
        {
          cause: error,
        },
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return unusable(home, 'is not writable', error)
    case 'ENOTDIR':
    case 'EEXIST':
      return unusable(home, 'is not a directory', error)
    default:
      return unusable(home, `cannot be used: ${messageOf(error)}`, error)
  }
}

function unusable(home: Home, why: string, cause?: unknown): BroodError {
  return new BroodError(
    'home_unusable',
    `BROOD_HOME ${home.path} ${why}: set BROOD_HOME to a folder of your own`,
    { cause },
  )
}
