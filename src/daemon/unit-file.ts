// The systemd unit's file: where it belongs, whether the one there is ours, and putting it there or taking it away.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { unitMark } from './systemd-unit.ts'

export type UnitKind = 'system' | 'user'

/** Administrators' own units of the system; and of one user. */
export function unitFolder(kind: UnitKind, env: NodeJS.ProcessEnv = process.env): string {
  return kind === 'system'
    ? '/etc/systemd/system'
    : join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'systemd/user')
}

/** How this user has to call it for such units. */
export function systemctlOf(kind: UnitKind, uid: number | undefined): string {
  if (kind === 'user') return 'systemctl --user'
  return uid === 0 ? 'systemctl' : 'sudo systemctl'
}

export interface UnitFile {
  readonly path: string
  readonly text: string
}

/** The units that `brood startup` has written; none where there is no such folder. */
export function ownUnits(folder: string): UnitFile[] {
  return filesIn(folder)
    .filter((name) => name.endsWith('.service'))
    .flatMap((name) => {
      const path = join(folder, name)
      const text = textOf(path)
      return text?.startsWith(unitMark) ? [{ path, text }] : []
    })
}

/** Whether systemd starts it at boot: `systemctl enable` leaves a link in the folder of what wants it. */
export function isEnabled(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return filesIn(dirname(path))
    .filter((entry) => entry.endsWith('.wants'))
    .some((entry) => lstatSync(join(dirname(path), entry, name), { throwIfNoEntry: false }) !== undefined)
}

/** Never replaces what somebody else wrote. */
export function writeUnit(path: string, text: string): void {
  assertOurs(path)
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { mode: 0o644 })
  } catch (error) {
    throw asUnitError(path, error)
  }
}

/** False when there is none. An enabled unit stays: without its file systemd could not end it in order. */
export function removeUnit(path: string, disable: string): boolean {
  if (!existsSync(path)) return false
  assertOurs(path)
  if (isEnabled(path))
    throw new BroodError('busy', `${path} is enabled: first run '${disable}', which ends its apps`)
  try {
    rmSync(path)
    return true
  } catch (error) {
    throw asUnitError(path, error)
  }
}

function assertOurs(path: string): void {
  const text = textOf(path)
  if (text === undefined || text.startsWith(unitMark)) return
  throw new BroodError(
    'usage',
    `${path} was not written by brood: choose another --name, or remove that file yourself`,
  )
}

function asUnitError(path: string, error: unknown): BroodError {
  const code = systemCode(error)
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
    ? new BroodError('not_permitted', `no right to change ${path}: run this with sudo, or use --user-unit`, {
        cause: error,
      })
    : new BroodError('not_permitted', `cannot change ${path}: ${messageOf(error)}`, { cause: error })
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
