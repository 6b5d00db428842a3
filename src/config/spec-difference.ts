// Where two descriptions of an app differ, field by field, and what each difference takes to come true.
import type { AppSpec } from './app-spec.ts'
import { isSessionVariable } from './session-variables.ts'

/** What a change takes: nothing of the workers, more or fewer of them, new ones in their place, or an end and a new start. */
export type How = 'live' | 'scale' | 'reload' | 'restart'

export interface Difference {
  /** `env.LOG_LEVEL`, `stop.grace`. */
  readonly path: string
  /** Undefined: not there. Secrets are `***`. */
  readonly from: unknown
  readonly to: unknown
  readonly takes: How
}

/** Every field has its place here; a new one without does not compile. */
const takes: Readonly<Record<Exclude<keyof AppSpec, 'name' | 'workers' | 'interpreter' | 'logs'>, How>> = {
  // The supervisor looks at these itself.
  ready: 'live',
  live: 'live',
  rebalance: 'live',
  watchdog: 'live',
  stop: 'live',
  restart: 'live',
  renew: 'live',
  reload: 'live',
  dependsOn: 'live',
  group: 'live',
  watch: 'live',
  hooks: 'live',
  // A worker is born with these.
  script: 'reload',
  args: 'reload',
  nodeArgs: 'reload',
  cwd: 'reload',
  env: 'reload',
  uid: 'reload',
  gid: 'reload',
  nice: 'reload',
  limits: 'reload',
  // The app's sockets.
  port: 'restart',
  share: 'restart',
  balance: 'restart',
  ports: 'restart',
  proxyOf: 'restart',
  // The proxy in front asks for these.
  proxy: 'live',
  maxWorkers: 'restart',
}

type Rotate = AppSpec['logs']['rotate']

/** A worker is born with how it writes and when it rotates; the supervisor looks after what was rotated. */
const logsTake: Readonly<Record<Exclude<keyof AppSpec['logs'], 'rotate'>, How>> = {
  to: 'restart',
  format: 'reload',
}
const rotateTakes: Readonly<Record<keyof Rotate, How>> = {
  size: 'reload',
  every: 'reload',
  keep: 'live',
  gzip: 'live',
}

/** The number of workers is left out: it may have been changed since, and is compared by the caller. */
export function differencesOf(from: AppSpec, to: AppSpec): Difference[] {
  // In these modes it is not the supervisor that balances, but the proxy, which asks how.
  const isProxied = from.share === 'ports' && to.share === 'ports'
  const fields = Object.entries(takes).flatMap(([key, how]) => {
    const field = key as keyof typeof takes // the keys are those of the table
    return compare(key, from[field], to[field], isProxied && field === 'balance' ? 'live' : how)
  })
  const logs = Object.entries(logsTake).flatMap(([key, how]) => {
    const field = key as keyof typeof logsTake // the keys are those of the table
    return compare(`logs.${key}`, from.logs[field], to.logs[field], how)
  })
  const rotate = Object.entries(rotateTakes).flatMap(([key, how]) => {
    const field = key as keyof typeof rotateTakes // the keys are those of the table
    return compare(`logs.rotate.${key}`, from.logs.rotate[field], to.logs.rotate[field], how)
  })
  // Node's workers have a socket each, those of other languages share one.
  const isOtherKind = (from.interpreter === undefined) !== (to.interpreter === undefined)
  const how = isOtherKind ? 'restart' : 'reload'
  const interpreter = compare('interpreter', from.interpreter, to.interpreter, how)
  return [...fields, ...interpreter, ...logs, ...rotate]
    .filter(({ path }) => !isSession(path))
    .map(withoutSecrets)
}

/** Objects are gone through key by key; lists are compared as a whole, since a position in one means little. */
function compare(path: string, from: unknown, to: unknown, how: How): Difference[] {
  if (isPlain(from) && isPlain(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted()
    return keys.flatMap((key) => compare(`${path}.${key}`, from[key], to[key], how))
  }
  // What came from the supervisor has lost its undefined fields on the way.
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path, from, to, takes: how }]
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSession(path: string): boolean {
  return path.startsWith('env.') && isSessionVariable(path.slice('env.'.length))
}

/** A plan is printed, and ends up in the logs of whoever deploys. */
function withoutSecrets(difference: Difference): Difference {
  const { path, from, to } = difference
  if (path === 'hooks') return { ...difference, from: withoutPaths(from), to: withoutPaths(to) }
  if (!path.startsWith('env.')) return difference
  const secret = /secret|token|pass|pwd|key|credential|auth/i.test(path)
  const hide = (value: unknown): unknown =>
    typeof value !== 'string' ? value : secret ? '***' : value.replace(/(\/\/[^/\s:@]*:)[^/\s@]+@/g, '$1***@')
  return { ...difference, from: hide(from), to: hide(to) }
}

/** Who knows the address of a web hook can post to it, so its path is shown to nobody. */
function withoutPaths(hooks: unknown): unknown {
  if (hooks === undefined) return hooks
  return JSON.parse(JSON.stringify(hooks), (key, value) =>
    key === 'post' && typeof value === 'string' ? `${new URL(value).origin}/***` : value,
  )
}
