// What a supervisor has to remember beyond its own life: the apps, what is wanted of them, the addresses they listen on.
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { appSpec } from '../config/app-spec.ts'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { asHomeError, type Home } from './home.ts'

const address = v.variant('kind', [
  v.object({
    kind: v.literal('tcp'),
    host: v.optional(v.string()),
    port: v.number(),
    ipv6Only: v.boolean(),
    ordinal: v.number(),
  }),
  v.object({ kind: v.literal('unix'), path: v.string() }),
  v.object({
    kind: v.literal('udp'),
    host: v.string(),
    port: v.number(),
    ipv6Only: v.boolean(),
    reuseAddr: v.boolean(),
    ordinal: v.number(),
  }),
])

const release = v.object({ release: v.number(), spec: appSpec })

const app = v.object({
  spec: appSpec,
  /** The number of that description. */
  release: v.number(),
  /** The description before, which a reload that fails goes back to, and `brood rollback` too. */
  previous: v.optional(release),
  /** The release that a reload is bringing to all slots. */
  reloading: v.optional(v.number()),
  /** The release that this reload goes back to if it fails; the same where it is such a going back. */
  trusted: v.optional(v.number()),
  wanted: v.picklist(['running', 'stopped']),
  size: v.number(),
  /** `port`: what "any free port" was; `ports`: of each slot, where each has its own. */
  addresses: v.array(
    v.object({
      address,
      port: v.optional(v.number()),
      ports: v.optional(v.array(v.number())),
      speaksHttp: v.optional(v.boolean()),
    }),
  ),
})

const remembered = v.object({
  version: v.literal(2),
  /** Where living workers look for their supervisor. */
  line: v.object({ path: v.string(), token: v.string() }),
  apps: v.array(app),
})

export type RememberedApp = v.InferOutput<typeof app>
export type Remembered = Omit<v.InferOutput<typeof remembered>, 'version'>

/** The state before the last change: what to fall back on when somebody has spoilt the file. */
function before(home: Home): string {
  return `${home.state}.before`
}

/**
 * Replaces the file in one step: a crash, of the process or of the machine, leaves the old or the new state, never half of
 * one.
 */
export function saveState(home: Home, state: Remembered): void {
  const draft = `${home.state}.new`
  try {
    const fd = openSync(draft, 'w', 0o600)
    try {
      writeFileSync(fd, JSON.stringify({ version: 2, ...state }))
      fsyncSync(fd) // or the rename could reach the disk before the content does
    } finally {
      closeSync(fd)
    }
    keepBefore(home)
    renameSync(draft, home.state)
    syncFolder(dirname(home.state))
  } catch (error) {
    rmSync(draft, { force: true })
    throw asHomeError(home, error)
  }
}

function keepBefore(home: Home): void {
  if (!existsSync(home.state)) return
  const draft = `${before(home)}.new`
  rmSync(draft, { force: true })
  linkSync(home.state, draft)
  renameSync(draft, before(home))
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

export interface Loaded {
  /** Undefined when there is none. */
  readonly state: Remembered | undefined
  /** A file that was set aside, and what is the matter with it. */
  readonly unreadable: string | undefined
}

/**
 * A file that cannot be understood is set aside, so that it is neither obeyed nor lost; then, as when the file is gone, the
 * state before the last change counts. Throws when it cannot be read: then nothing is known of what is in it, and living
 * workers are better off without a supervisor than with one that takes them for strangers.
 */
export function loadState(home: Home): Loaded {
  const problems: string[] = []
  for (const path of [home.state, before(home)]) {
    const text = textOf(path)
    if (text === undefined) {
      const isKnown = path === home.state && existsSync(before(home))
      if (isKnown) problems.push(`${path} is gone, though nobody has told brood to forget it`)
      continue
    }
    try {
      const { version: _, ...state } = v.parse(remembered, JSON.parse(text))
      return { state, unreadable: problems[0] }
    } catch (error) {
      const aside = `${path}.unreadable`
      renameSync(path, aside)
      problems.push(`${path} cannot be understood (${messageOf(error)}); it is kept as ${aside}`)
    }
  }
  return { state: undefined, unreadable: problems[0] }
}

/** How many apps this text of a state file names; undefined where a supervisor of this version would set it aside. */
export function appsRemembered(text: string): number | undefined {
  try {
    return v.parse(remembered, JSON.parse(text)).apps.length
  } catch {
    return undefined
  }
}

/** Undefined when there is none; of a folder in its place nothing, which cannot be understood. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    if (systemCode(error) === 'EISDIR') return ''
    const message = `${path} cannot be read (${messageOf(error)}): no supervisor comes up until it can`
    throw new BroodError('home_unusable', message, { cause: error })
  }
}

export function forgetState(home: Home): void {
  rmSync(home.state, { force: true })
  rmSync(before(home), { force: true })
}
