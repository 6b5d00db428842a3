// Limits of an app's processor and memory use, by a cgroup (version 2) of its own below the supervisor's.
import { accessSync, constants, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { messageOf, systemCode } from '../kernel/errors.ts'
import { read } from './proc.ts'

export interface Limits {
  /** Processors; 1.5 is one and a half. */
  readonly cpu?: number | undefined
  /** Bytes. There the kernel takes back what it can, and then ends a worker. */
  readonly memory?: number | undefined
}

export type Availability =
  | { readonly ok: true; readonly base: string }
  | { readonly ok: false; readonly why: string; readonly mend: string }

/** Where the kernel tells; a test has its own. */
export interface CgroupPlaces {
  readonly mounts: string
  readonly membership: string
  readonly pid: number
}

const systemPlaces: CgroupPlaces = {
  mounts: '/proc/self/mountinfo',
  membership: '/proc/self/cgroup',
  pid: process.pid,
}

/** Processes that are no app's: a cgroup that passes controllers on may hold none itself. systemd's DelegateSubgroup= uses it too. */
const supervisorLeaf = 'supervisor'
const appPrefix = 'brood-'
/** How systemd's own cgroups end: one of them may well be that of `brood-b.service`. */
const unitEnding = /\.(?:service|scope|slice)$/
const controllers = ['cpu', 'memory'] as const
/** Microseconds; the kernel's own default. */
const cpuPeriod = 100_000
const mend = "run the supervisor by systemd: 'brood startup' shows how"

/**
 * Whether limits can be set, changing nothing; `base` is the folder below which apps get
 * their cgroups; `why` and `mend` are a notice and what to do about it.
 */
export function cgroupsAvailable(places: CgroupPlaces = systemPlaces): Availability {
  const refuse = (why: string): Availability => ({
    ok: false,
    why: `no CPU and memory limits: ${why}`,
    mend,
  })
  const root = mountPoint(read(places.mounts))
  if (root === undefined) return refuse('this system has no cgroup v2')
  const own = /^0::(\/.*)$/m.exec(read(places.membership))?.[1]
  if (own === undefined || own.startsWith('/..'))
    return refuse('this process is in no cgroup v2 that can be seen from here')
  const base = baseOf(resolve(root, `.${own}`))
  const there = read(join(base, 'cgroup.controllers')).trim().split(' ')
  const missing = controllers.filter((one) => !there.includes(one))
  if (missing.length > 0) {
    return refuse(
      `${base} has no controller ${missing.join(' and ')} (cgroup v1 may have it, or it is not delegated)`,
    )
  }
  try {
    accessSync(base, constants.W_OK)
    for (const file of ['cgroup.procs', 'cgroup.subtree_control'])
      accessSync(join(base, file), constants.W_OK)
  } catch {
    return refuse(`${base} is not writable for this user`)
  }
  // The root of all may hold processes beside groups with limits; others must be empty, and only what is ours may be moved.
  const strangers = pidsOf(base).filter((pid) => pid !== places.pid)
  if (strangers.length > 0 && !isUnit(base) && existsSync(join(base, 'cgroup.type'))) {
    return refuse(`other programs share its cgroup ${base} (pid ${strangers.slice(0, 3).join(', ')})`)
  }
  return { ok: true, base }
}

/**
 * The cgroup of one app. A pid must be added right after its start: children that it has forked before stay outside. A Node
 * program needs some 20 ms until its first line runs, so that is no race in practice.
 */
export class AppCgroup {
  readonly path: string
  readonly #base: string
  readonly #limits: Limits

  #killed: number

  /** Changes nothing yet: an earlier supervisor may have made it. */
  constructor(base: string, app: string, limits: Limits) {
    this.#base = base
    this.#limits = limits
    this.path = join(base, groupName(app))
    this.#killed = this.#killedSoFar()
  }

  /** Sets what is not set any more: before it starts a crashed supervisor again, systemd takes controllers back. */
  ensure(): void {
    const lost = limitFiles(this.#limits).some(
      ([file, value]) => value !== 'max' && /^(max\b|$)/.test(read(join(this.path, file)).trim()),
    )
    if (lost) this.set()
  }

  /** Makes it, and sets its limits. Throws what the kernel says. */
  set(): void {
    vacate(this.#base)
    writeFileSync(join(this.#base, 'cgroup.subtree_control'), controllers.map((one) => `+${one}`).join(' '))
    mkdirSync(this.path, { recursive: true })
    for (const [file, value] of limitFiles(this.#limits)) writeFileSync(join(this.path, file), value)
  }

  /** Undefined when done, else a notice: a worker without a limit still is a worker. */
  add(pid: number): string | undefined {
    try {
      this.ensure()
      writeFileSync(join(this.path, 'cgroup.procs'), String(pid))
      return undefined
    } catch (error) {
      if (systemCode(error) === 'ESRCH') return undefined // it has ended; that is told elsewhere
      return `pid ${pid} has no CPU and memory limits: ${this.path} did not take it (${messageOf(error)})`
    }
  }

  /** Whether the kernel has ended a process in it for want of memory since this was last asked. */
  hasRunOut(): boolean {
    const before = this.#killed
    this.#killed = this.#killedSoFar()
    return this.#killed > before
  }

  /** Begins at 0 again after controllers were taken back. */
  #killedSoFar(): number {
    return Number(/^oom_kill (\d+)$/m.exec(read(join(this.path, 'memory.events')))?.[1] ?? 0)
  }

  /** The processes in it. */
  get pids(): number[] {
    return pidsOf(this.path)
  }

  /** Only an empty cgroup can be removed: call it when all of the app has ended. False when something is left in it. */
  remove(): boolean {
    try {
      rmdirSync(this.path)
      return true
    } catch (error) {
      return systemCode(error) === 'ENOENT'
    }
  }
}

/**
 * For a supervisor at its start: one that a worker has brought up is in that worker's cgroup, where the app's limits would hold
 * for it too, and where it would count as the app's.
 */
export function leaveAppCgroup(places: CgroupPlaces = systemPlaces): void {
  const root = mountPoint(read(places.mounts))
  const own = /^0::(\/.*)$/m.exec(read(places.membership))?.[1]
  if (root === undefined || own === undefined || !isAppGroup(basename(own))) return
  const leaf = join(root, dirname(own), supervisorLeaf)
  mkdirSync(leaf, { recursive: true })
  writeFileSync(join(leaf, 'cgroup.procs'), String(places.pid))
}

function limitFiles({ cpu, memory }: Limits): [file: string, value: string][] {
  return [
    ['cpu.max', cpu === undefined ? 'max' : `${Math.max(1000, Math.round(cpu * cpuPeriod))} ${cpuPeriod}`],
    // No limit below the hard one: without swap a program that goes on allocating would be slowed down there until it stands
    // still, for minutes, and neither answer nor be replaced.
    ['memory.high', 'max'],
    ['memory.max', memory === undefined ? 'max' : String(memory)],
  ]
}

/** Moves what is in the base itself into a leaf. A process that starts meanwhile does so in the cgroup of its parent, so: again. */
function vacate(base: string): void {
  if (!existsSync(join(base, 'cgroup.type'))) return // the root of all is exempt
  const leaf = join(base, supervisorLeaf)
  mkdirSync(leaf, { recursive: true })
  for (let pids = pidsOf(base), tries = 0; pids.length > 0 && tries < 10; pids = pidsOf(base), tries++) {
    for (const pid of pids) {
      try {
        writeFileSync(join(leaf, 'cgroup.procs'), String(pid))
      } catch (error) {
        if (systemCode(error) !== 'ESRCH') throw error // ended meanwhile
      }
    }
  }
}

/** A supervisor that was started by a worker, or has moved already, is in a cgroup of ours: its base is the one above. */
function baseOf(own: string): string {
  const name = basename(own)
  return name === supervisorLeaf || isAppGroup(name) ? dirname(own) : own
}

function groupName(app: string): string {
  return `${appPrefix}${app}${unitEnding.test(app) ? '_' : ''}`
}

function isAppGroup(name: string): boolean {
  return name.startsWith(appPrefix) && !unitEnding.test(name)
}

/** Everything in a unit's cgroup is the unit's. */
function isUnit(path: string): boolean {
  return path.endsWith('.service')
}

function pidsOf(group: string): number[] {
  // 0 stands for a process of another PID namespace.
  return read(join(group, 'cgroup.procs'))
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0)
}

/** `36 35 0:31 / /sys/fs/cgroup rw,… - cgroup2 cgroup2 rw`; spaces in paths are written \040. */
function mountPoint(mounts: string): string | undefined {
  const line = mounts.split('\n').find((one) => / - cgroup2 /.test(one))
  return line?.split(' ')[4]?.replaceAll('\\040', ' ')
}
