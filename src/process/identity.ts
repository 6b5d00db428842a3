// As whom a program runs: users and groups by name or number, and what a program of that user expects in its environment.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { BroodError } from '../kernel/errors.ts'

export interface User {
  readonly name: string
  readonly uid: number
  /** The user's own group. */
  readonly gid: number
  readonly home: string
}

export interface Identity {
  readonly uid: number
  readonly gid: number
  /** HOME, USER and LOGNAME, when the user is known to the system; a number alone may be. */
  readonly env: Readonly<Record<string, string>>
}

type NameOrNumber = string | number

/** Where to look; a test has its own. */
export interface Directory {
  /** A line of the database as `getent` prints it, or undefined. */
  entry(database: 'passwd' | 'group', key: NameOrNumber): string | undefined
  /** Who we are; undefined where there are no users. */
  readonly self: { readonly uid: number; readonly gid: number } | undefined
}

/**
 * Who `uid` and `gid` are. Without `gid` it is the user's own group. Undefined when neither is given.
 *
 * Only root may become somebody else; asking to be who one is already is fine. Node gives the child no supplementary groups
 * (libuv calls `setgroups(0, NULL)`): it has the rights of that one group alone.
 *
 * Throws `user_unknown` and `not_permitted`.
 */
export function resolveIdentity(
  wanted: { readonly uid?: NameOrNumber | undefined; readonly gid?: NameOrNumber | undefined },
  directory: Directory = systemDirectory,
): Identity | undefined {
  if (wanted.uid === undefined && wanted.gid === undefined) return undefined
  const { self } = directory
  if (self === undefined)
    throw new BroodError(
      'not_permitted',
      'this system has no users and groups to choose from: leave out uid and gid',
    )
  const user = wanted.uid === undefined ? undefined : findUser(wanted.uid, directory)
  const uid = user?.uid ?? numberOf(wanted.uid) ?? self.uid
  const gid =
    wanted.gid === undefined ? (user?.gid ?? ownGroupOf(uid, self)) : findGroup(wanted.gid, directory)
  if (self.uid !== 0 && (uid !== self.uid || gid !== self.gid)) {
    throw new BroodError(
      'not_permitted',
      `only root may run a program as uid ${uid}, gid ${gid} (this supervisor is uid ${self.uid}, gid ${self.gid}): ` +
        'leave out uid and gid, or run the supervisor as root',
    )
  }
  const env = user === undefined ? {} : { HOME: user.home, USER: user.name, LOGNAME: user.name }
  return { uid, gid, env }
}

/** A user by name or number; undefined for a number that nobody has, which still can be run as. Throws `user_unknown`. */
export function findUser(user: NameOrNumber, directory: Directory = systemDirectory): User | undefined {
  const fields = directory.entry('passwd', user)?.split(':')
  if (fields !== undefined && fields.length >= 6) {
    const [name = '', , uid, gid, , home = '/'] = fields
    return { name, uid: Number(uid), gid: Number(gid), home }
  }
  if (numberOf(user) !== undefined) return undefined
  throw new BroodError('user_unknown', `there is no user '${user}' on this system: create it, or use another`)
}

function findGroup(group: NameOrNumber, directory: Directory): number {
  const gid = directory.entry('group', group)?.split(':')[2]
  if (gid !== undefined) return Number(gid)
  const number = numberOf(group)
  if (number !== undefined) return number
  throw new BroodError(
    'user_unknown',
    `there is no group '${group}' on this system: create it, or use another`,
  )
}

/** A number without an entry has no group of its own: the one of the same number, as is the custom in containers. */
function ownGroupOf(uid: number, self: { uid: number; gid: number }): number {
  return uid === self.uid ? self.gid : uid
}

function numberOf(value: NameOrNumber | undefined): number | undefined {
  if (typeof value === 'number') return value
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined
}

const systemDirectory: Directory = {
  entry(database, key) {
    const inFile = fileEntry(`/etc/${database}`, key)
    return inFile ?? getent(database, key)
  },
  get self() {
    const uid = process.getuid?.()
    const gid = process.getgid?.()
    return uid === undefined || gid === undefined ? undefined : { uid, gid }
  },
}

function fileEntry(file: string, key: NameOrNumber): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  const field = numberOf(key) === undefined ? 0 : 2
  return text.split('\n').find((line) => line.split(':')[field] === String(key))
}

/** Users of a network directory (LDAP, systemd-homed) are in no file. Found before a worker starts, so it may block for a moment. */
function getent(database: string, key: NameOrNumber): string | undefined {
  try {
    const line = execFileSync('getent', ['--', database, String(key)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    })
    return line.trimEnd() || undefined
  } catch {
    return undefined // no such entry, or no getent on this system: the file was all there is
  }
}
