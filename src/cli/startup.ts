// What `brood startup` does: the unit's text, where it belongs, and the commands that follow.
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { homeOf } from '../daemon/home.ts'
import { longestKnownGrace } from '../daemon/known-grace.ts'
import { unitText } from '../daemon/systemd-unit.ts'
import { systemdVersion } from '../daemon/systemd-version.ts'
import { removeUnit, systemctlOf, type UnitKind, unitFolder, writeUnit } from '../daemon/unit-file.ts'
import { BroodError } from '../kernel/errors.ts'
import { findUser } from '../process/identity.ts'
import type { Terminal } from './terminal.ts'

export interface StartupFlags {
  user?: string
  system?: boolean
  userUnit?: boolean
  name: string
  print?: boolean
  write?: boolean
  remove?: boolean
  json?: boolean
}

interface Plan {
  readonly path: string
  readonly commands: readonly string[]
  readonly notes: readonly string[]
}

const brood = fileURLToPath(new URL('../../bin/brood.js', import.meta.url))

export function startup(flags: StartupFlags, terminal: Terminal): void {
  const kind: UnitKind = flags.userUnit ? 'user' : 'system'
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$/.test(flags.name))
    throw new BroodError(
      'usage',
      `--name ${flags.name} is no name of a unit: use letters, digits, dots, dashes, underscores`,
    )
  const unit = `${flags.name}.service`
  const path = join(unitFolder(kind), unit)
  const systemctl = systemctlOf(kind, process.getuid?.())
  if (flags.remove) {
    const disable = `${systemctl} disable --now ${unit}`
    const removed = flags.write ? removeUnit(path, disable) : false
    const commands = flags.write
      ? [`${systemctl} daemon-reload`]
      : [disable, again(flags), `${systemctl} daemon-reload`]
    if (terminal.json) terminal.printJson({ path, removed, commands })
    else {
      terminal.note(
        flags.write ? (removed ? `removed ${path}` : `there is no ${path}`) : `would remove ${path}`,
      )
      say(commands, terminal)
    }
    return
  }
  const { user, home, notes } = whose(flags, kind)
  const text = unitText({
    node: process.execPath,
    brood,
    home,
    path: pathVariable(),
    user: kind === 'system' ? user : undefined,
    kind,
    longestGrace: longestKnownGrace(join(home, 'state.json')),
    systemdVersion: systemdVersion(),
  })
  if (flags.write) writeUnit(path, text)
  const plan: Plan = { path, commands: commandsFor(flags, kind, systemctl, unit, user), notes }
  if (terminal.json) terminal.printJson({ ...plan, unit: text, written: flags.write === true })
  else show(plan, text, flags, terminal)
}

/** The user, and the BROOD_HOME that the supervisor is going to have. */
function whose(flags: StartupFlags, kind: UnitKind): { user: string; home: string; notes: string[] } {
  const self = userInfo().username
  const user = flags.user ?? self
  if (kind === 'user' && user !== self)
    throw new BroodError(
      'usage',
      `a unit of the user ${user} is written by that user: leave out --user-unit or --user`,
    )
  const notes: string[] = []
  if (brood.includes('/_npx/'))
    notes.push(
      `${brood} is npx's cache, which comes and goes: install brood ('npm install -g brood') and run this again`,
    )
  if (flags.user === undefined && process.env.SUDO_USER !== undefined)
    notes.push(`the supervisor will run as root; --user ${process.env.SUDO_USER} makes it run as you`)
  // sudo drops BROOD_HOME: where it is set it is meant, else the folder is below that user's home.
  const other = user === self ? undefined : findUser(user)
  if (user !== self && other === undefined)
    throw new BroodError('user_unknown', `there is no user ${user} on this system: create it, or use another`)
  const elsewhere = other !== undefined && !process.env.BROOD_HOME
  const home = elsewhere ? homeOf({ BROOD_HOME: join(other.home, '.brood') }).path : homeOf().path
  return { user: other?.name ?? user, home, notes }
}

function commandsFor(
  flags: StartupFlags,
  kind: UnitKind,
  systemctl: string,
  unit: string,
  user: string,
): string[] {
  return [
    ...(flags.write ? [] : [again(flags)]),
    `${systemctl} daemon-reload`,
    `${systemctl} enable --now ${unit}`,
    // Without it a user's units end with the last session, and do not start at boot.
    ...(kind === 'user' ? [`loginctl enable-linger ${user}`] : []),
  ]
}

/** As it is here, each folder once, so that programs find what they find now. */
function pathVariable(): string {
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return folders.length === 0 ? '/usr/local/bin:/usr/bin:/bin' : [...new Set(folders)].join(':')
}

/** This command again, with --write. */
function again(flags: StartupFlags): string {
  const words = ['startup', ...(flags.remove ? ['--remove'] : []), '--write']
  if (flags.userUnit) words.push('--user-unit')
  // Under sudo it would be root's otherwise.
  const user = flags.user ?? (process.getuid?.() === 0 || flags.remove ? undefined : userInfo().username)
  if (user !== undefined && !flags.userUnit) words.push('--user', user)
  if (flags.name !== 'brood') words.push('--name', flags.name)
  // sudo has a PATH of its own, in which neither may be found, and drops BROOD_HOME.
  const home = process.env.BROOD_HOME === undefined ? '' : `BROOD_HOME=${shellWord(process.env.BROOD_HOME)} `
  const line = `${shellWord(process.execPath)} ${shellWord(brood)} ${words.join(' ')}`
  return flags.userUnit || process.getuid?.() === 0
    ? `brood ${words.join(' ')}`
    : `sudo env "PATH=$PATH" ${home}${line}`
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function show(plan: Plan, text: string, flags: StartupFlags, terminal: Terminal): void {
  if (!flags.write) terminal.print(text.trimEnd())
  if (flags.print) return
  terminal.note(
    flags.write ? `wrote ${plan.path}` : `\nNothing was written. The unit above belongs into ${plan.path}.`,
  )
  for (const note of plan.notes) terminal.note(`note: ${note}`)
  say(plan.commands, terminal)
}

function say(commands: readonly string[], terminal: Terminal): void {
  terminal.note(`To go on:\n${commands.map((command) => `  ${command}`).join('\n')}`)
}
