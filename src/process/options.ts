// What may be asked of a child at its birth, and the check of it: names and kinds, with an error that says what is wanted.
import { constants } from 'node:os'
import type { Stream } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Clock, Millis } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'

/** One descriptor: shared with this process, a pipe, nothing, Node's messages, a descriptor of this process, or a stream that has one. */
export type StdioEntry = 'inherit' | 'pipe' | 'ignore' | 'ipc' | number | Stream

export type Stdio = 'inherit' | 'pipe' | 'ignore' | readonly StdioEntry[]

export interface StopOptions {
  /** The first signal. Default: SIGTERM. */
  readonly signal?: NodeJS.Signals
  /** Milliseconds until SIGKILL. Default: 10,000. */
  readonly grace?: Millis
}

/** Options of every birth. Lengths of time are in milliseconds, sizes in bytes. */
export interface ChildOptions {
  readonly cwd?: string | URL
  /** The whole environment; what is undefined is left out. Default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A session and a process group of its own, and by default it survives this process; call `unref()` too to let this process end first. */
  readonly detached?: boolean
  /** A process group of its own, so that also what its children leave behind can be ended. Ctrl-C in a terminal does not reach it. */
  readonly ownGroup?: boolean
  /**
   * When this process dies before the child. `'survive'`: nothing (the default of a detached child).
   * `'end-on-exit'`: the tree gets the stop signal if this process exits in order; a signal that kills it goes unnoticed (the default otherwise).
   * `'end'`: the tree is ended however this process dies, SIGKILL included; costs a waiting `/bin/sh` per child and implies `ownGroup`.
   */
  readonly parentDeath?: 'survive' | 'end-on-exit' | 'end'
  /** The child may live that long; then it is stopped. */
  readonly timeout?: Millis
  /** What `stop()`, the timeout and `signal` do. */
  readonly stop?: StopOptions
  /** Stops the child when it aborts. */
  readonly signal?: AbortSignal
  /** For `'ipc'`. `'advanced'` passes what structured clone can: Map, Set, BigInt, cycles. Default: `'json'`. */
  readonly serialization?: 'json' | 'advanced'
  /** The largest message that is sent. Default: 16 MiB. */
  readonly maxMessage?: number
  /** Messages that may wait unread; then the reader gets `messages_unread` after them. Default: 10,000. */
  readonly maxUnread?: number
  /** Default: 30,000. */
  readonly requestTimeout?: Millis
  readonly uid?: number
  readonly gid?: number
  /** For tests: what tells the time. */
  readonly clock?: Clock
}

interface Kind {
  readonly is: (value: unknown) => boolean
  readonly wanted: string
}

/** The longest delay a Node timer takes. */
const longestDelay = 2 ** 31 - 1

const flag: Kind = { is: (value) => typeof value === 'boolean', wanted: 'true or false' }
const whole: Kind = {
  is: (value) => Number.isInteger(value) && Number(value) >= 0,
  wanted: 'a whole number from 0 up',
}
const size: Kind = {
  is: (value) => value === Number.POSITIVE_INFINITY || whole.is(value),
  wanted: 'a whole number from 0 up, or Infinity',
}
const millis: Kind = {
  is: (value) => typeof value === 'number' && value >= 0 && (value <= longestDelay || value === Infinity),
  wanted: `milliseconds from 0 to ${longestDelay}, or Infinity`,
}
const texts: Kind = {
  is: (value) => Array.isArray(value) && value.every(isText),
  wanted: 'an array of texts without NUL characters',
}
const signalName: Kind = {
  is: (value) => typeof value === 'string' && Object.hasOwn(constants.signals, value),
  wanted: "the name of a signal, such as 'SIGTERM'",
}

const stopKinds: Record<string, Kind> = { signal: signalName, grace: millis }

/** Every option of every birth; which of them a birth takes is its own list. */
const kinds = {
  cwd: { is: (value) => isText(value) || value instanceof URL, wanted: 'a path or a file: URL' },
  env: { is: isEnvironment, wanted: 'an object of texts' },
  detached: flag,
  ownGroup: flag,
  parentDeath: oneOf('survive', 'end-on-exit', 'end'),
  timeout: millis,
  stop: { is: isStop, wanted: 'an object with signal (a name) and grace (milliseconds)' },
  signal: {
    is: (value) => value instanceof AbortSignal,
    wanted: 'an AbortSignal; the signal to stop with is stop.signal',
  },
  serialization: oneOf('json', 'advanced'),
  maxMessage: size,
  maxUnread: size,
  requestTimeout: millis,
  uid: whole,
  gid: whole,
  clock: { is: (value) => typeof value === 'object' && value !== null, wanted: 'a Clock' },
  stdio: {
    is: isStdio,
    wanted: "'inherit', 'pipe', 'ignore', or an array of these, 'ipc' (once), descriptors and streams",
  },
  silent: flag,
  execPath: { is: isText, wanted: 'a path' },
  execArgv: texts,
  startTimeout: millis,
  shell: {
    is: (value) => value === true || (isText(value) && value !== ''),
    wanted: 'true, or the path of a POSIX shell',
  },
  maxBuffer: size,
  encoding: oneOf('utf8', 'buffer'),
  input: {
    is: (value) => typeof value === 'string' || value instanceof Uint8Array,
    wanted: 'a text or bytes',
  },
} satisfies Record<string, Kind>

export type OptionName = keyof typeof kinds

export const childOptionNames = [
  'cwd',
  'env',
  'detached',
  'ownGroup',
  'parentDeath',
  'timeout',
  'stop',
  'signal',
  'serialization',
  'maxMessage',
  'maxUnread',
  'requestTimeout',
  'uid',
  'gid',
  'clock',
] as const satisfies OptionName[]

/** Throws `usage` for an unknown option or a wrong kind of value: a misspelled option would silently do nothing. */
export function checkOptions(birth: string, options: unknown, names: readonly OptionName[]): void {
  if (typeof options !== 'object' || options === null)
    throw new BroodError('usage', `${birth}: the options are an object`)
  for (const [name, value] of Object.entries(options)) {
    const known = names.find((each) => each === name)
    if (known === undefined) {
      throw new BroodError('usage', `${birth} has no option '${name}'; there are ${names.join(', ')}`)
    }
    if (value !== undefined) demand(`${birth}: ${name}`, value, kinds[known])
  }
}

export function checkStop(options: StopOptions): void {
  if (!isStop(options)) throw new BroodError('usage', `stop: the options are ${kinds.stop.wanted}`)
}

/** Throws `usage` for anything but a signal's name. */
export function checkSignal(signal: unknown): void {
  demand('signal', signal, signalName)
}

export function checkArguments(birth: string, file: unknown, args: unknown): void {
  if (!isText(file) || file === '') {
    throw new BroodError(
      'usage',
      `${birth}: the program is a text that is not empty and has no NUL character`,
    )
  }
  demand(`${birth}: args`, args, texts)
}

export function pathOf(cwd: string | URL | undefined): string | undefined {
  return cwd instanceof URL ? fileURLToPath(cwd) : cwd
}

function demand(what: string, value: unknown, kind: Kind): void {
  if (kind.is(value)) return
  throw new BroodError('usage', `${what} is ${kind.wanted}, not ${describe(value)}`)
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60))
  if (Array.isArray(value)) return 'this array'
  return typeof value === 'object' || typeof value === 'function'
    ? `a value of type ${typeof value}`
    : String(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0')
}

function oneOf(...choices: readonly string[]): Kind {
  return {
    is: (value) => choices.some((choice) => choice === value),
    wanted: choices.map((choice) => `'${choice}'`).join(' or '),
  }
}

function isEnvironment(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(([name, text]) => isText(name) && (text === undefined || isText(text)))
}

function isStop(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(
    ([name, part]) => part === undefined || (stopKinds[name]?.is(part) ?? false),
  )
}

function isStdio(value: unknown): boolean {
  if (!Array.isArray(value)) return value === 'inherit' || value === 'pipe' || value === 'ignore'
  return value.every(isStdioEntry) && value.filter((entry) => entry === 'ipc').length <= 1
}

function isStdioEntry(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0
  if (typeof value === 'object' && value !== null) return 'on' in value
  return value === 'inherit' || value === 'pipe' || value === 'ignore' || value === 'ipc'
}
