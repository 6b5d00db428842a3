// Which flag of `start` and `run` says which field of an app, and how its text is read.
import type { Path } from './origin.ts'

/** As commander hands them over; every value is still text. */
export interface StartFlags {
  workers?: string
  name?: string
  port?: string
  env?: readonly string[]
  envFile?: readonly string[]
  cwd?: string
  interpreter?: string
  nodeArg?: readonly string[]
  maxWorkers?: string
  share?: string
  balance?: string
  workerPorts?: string
  proxy?: string
  sticky?: string | true
  rebalance?: true
  uid?: string
  gid?: string
  nice?: string
  cpuLimit?: string
  memoryLimit?: string
  ready?: string
  readyTimeout?: string
  settle?: string
  live?: string
  watchdog?: string
  grace?: string
  stopSignal?: string
  restart?: string
  intensity?: string
  period?: string
  backoffFrom?: string
  backoffTo?: string
  jitter?: string
  stopExitCode?: readonly string[]
  maxMemory?: string
  maxRequests?: string
  maxAge?: string
  cron?: string
  parallel?: string
  canary?: string
  dependsOn?: readonly string[]
  /** `true` without a path, and so the whole folder. */
  watch?: true | readonly string[]
  ignoreWatch?: readonly string[]
  logFormat?: string
  logSize?: string
  logEvery?: string
  logKeep?: string
  hook?: readonly string[]
}

export interface FlagField {
  readonly flag: string
  /** Where the value goes in an app as people write it. */
  readonly path: Path
  /** What the text means; as text where it means nothing, for the schema to refuse. */
  readonly read: (text: string) => unknown
  /** What the flag means without a text. */
  readonly alone?: unknown
}

const asText = (text: string): unknown => text
const asWhole = (text: string): unknown => (/^-?\d+$/.test(text) ? Number(text) : text)
const asDecimal = (text: string): unknown => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text)
const asNever = (text: string): unknown => (text === 'off' ? false : text)
/** `web` hooks are told from commands by their address. */
const asHook = (text: string): unknown => {
  const at = text.indexOf('=')
  if (at < 1) return text
  const [on, what] = [text.slice(0, at).split(','), text.slice(at + 1)]
  return /^https?:\/\//.test(what) ? { on, post: what } : { on, run: what }
}

/** `--ready message` and `--ready http:/healthz` are one flag for two fields. */
const isProbe = (text: string): boolean => /[:/]/.test(text)

const field = (flag: string, path: Path, read = asText): FlagField => ({ flag, path, read })

const flagFields = {
  workers: field('-w', ['workers'], asWhole),
  name: field('--name', ['name']),
  port: field('--port', ['port'], asWhole),
  envFile: field('--env-file', ['envFile']),
  cwd: field('--cwd', ['cwd']),
  interpreter: field('--interpreter', ['interpreter']),
  nodeArg: field('--node-arg', ['nodeArgs']),
  maxWorkers: field('--max-workers', ['maxWorkers'], asWhole),
  share: field('--share', ['share']),
  balance: field('--balance', ['balance']),
  workerPorts: field('--worker-ports', ['ports'], asWhole),
  proxy: field('--proxy', ['proxy', 'mode']),
  sticky: { ...field('--sticky', ['proxy', 'sticky']), alone: true },
  rebalance: { ...field('--rebalance', ['rebalance']), alone: true },
  uid: field('--uid', ['uid'], asWhole),
  gid: field('--gid', ['gid'], asWhole),
  nice: field('--nice', ['nice'], asWhole),
  cpuLimit: field('--cpu-limit', ['limits', 'cpu'], asDecimal),
  memoryLimit: field('--memory-limit', ['limits', 'memory']),
  ready: field('--ready', ['ready', 'on']),
  readyTimeout: field('--ready-timeout', ['ready', 'timeout']),
  settle: field('--settle', ['ready', 'settle']),
  live: field('--live', ['live']),
  watchdog: field('--watchdog', ['watchdog'], asNever),
  grace: field('--grace', ['stop', 'grace']),
  stopSignal: field('--stop-signal', ['stop', 'signal']),
  restart: field('--restart', ['restart', 'policy']),
  intensity: field('--intensity', ['restart', 'intensity'], asWhole),
  period: field('--period', ['restart', 'period']),
  backoffFrom: field('--backoff-from', ['restart', 'backoff', 'from']),
  backoffTo: field('--backoff-to', ['restart', 'backoff', 'to']),
  jitter: field('--jitter', ['restart', 'backoff', 'jitter'], asDecimal),
  stopExitCode: field('--stop-exit-code', ['restart', 'stopExitCodes'], asWhole),
  maxMemory: field('--max-memory', ['maxMemory']),
  maxRequests: field('--max-requests', ['maxRequests'], asWhole),
  maxAge: field('--max-age', ['maxAge']),
  cron: field('--cron', ['cron']),
  parallel: field('--parallel', ['reload', 'parallel'], asWhole),
  canary: field('--canary', ['reload', 'canary']),
  dependsOn: field('--depends-on', ['dependsOn']),
  watch: field('--watch', ['watch', 'paths']),
  ignoreWatch: field('--ignore-watch', ['watch', 'ignore']),
  logFormat: field('--log-format', ['logs', 'format']),
  logSize: field('--log-size', ['logs', 'rotate', 'size']),
  logEvery: field('--log-every', ['logs', 'rotate', 'every']),
  logKeep: field('--log-keep', ['logs', 'rotate', 'keep'], asWhole),
  hook: field('--hook', ['hooks'], asHook),
} as const satisfies { readonly [Key in Exclude<keyof StartFlags, 'env'>]-?: FlagField }

const probeField = field('--ready', ['ready', 'probe'])
const noProxyField = field('--proxy', ['proxy'], asNever)

/** Every flag that was given, with its field and its text. */
export function givenFields(
  flags: StartFlags,
): { readonly field: FlagField; readonly value: string | true | readonly string[] }[] {
  return Object.entries(flagFields).flatMap(([key, usual]) => {
    const value = flags[key as keyof typeof flagFields] // the keys are those of the table
    if (value === undefined) return []
    const probes = key === 'ready' && typeof value === 'string' && isProbe(value)
    const isNone = key === 'proxy' && value === 'off'
    return [{ field: probes ? probeField : isNone ? noProxyField : usual, value }]
  })
}
