// The description of one app, checked once at the border and trusted inside.
import { constants } from 'node:os'
import * as v from 'valibot'
import { balancerNames } from '../balance/index.ts'
import { defaultShareMode } from './share-mode.ts'

/** Only the kernel's limit on descriptors bounds it; this catches a slip of the finger. */
export const mostWorkers = 1024

/** A day, in milliseconds. */
export const longestTime = 24 * 3_600_000

/** Sockets cost nothing until somebody listens on them, so there is room to scale without thinking ahead. */
export const usualMaxWorkers = 64

const millis = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(longestTime))
const longMillis = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(365 * longestTime))
const workerCount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostWorkers))
const natural = v.pipe(v.number(), v.integer(), v.minValue(0))
const positive = v.pipe(v.number(), v.integer(), v.minValue(1))
const portNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))
const absolutePath = v.pipe(v.string(), v.startsWith('/'))
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1))

export const appName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'use letters, digits, dots, dashes and underscores, at most 64',
  ),
  v.notValue('all', "'all' means every app"),
)

/** The app that is the proxy of another. */
export function frontName(app: string): string {
  return `${app}.proxy`
}

export const signalName = v.custom<NodeJS.Signals>(
  (value) => typeof value === 'string' && Object.hasOwn(constants.signals, value),
  'is no signal of this system',
)

/**
 * A question with a yes or no for an answer. `http` without a port is asked inside the worker, of its own server, so that
 * each worker answers for itself; with a port it goes over the network, as `tcp` always does.
 */
const probe = v.variant('type', [
  v.strictObject({
    type: v.literal('http'),
    path: v.pipe(v.string(), v.startsWith('/')),
    host: v.optional(v.string(), '127.0.0.1'),
    port: v.optional(portNumber),
  }),
  v.strictObject({ type: v.literal('tcp'), host: v.optional(v.string(), '127.0.0.1'), port: portNumber }),
])

export type Probe = Readonly<v.InferOutput<typeof probe>>

/** What can be told to others: a command is run, or a web address posted to, with the event as JSON. */
export const hookEvents = ['ready', 'crash', 'failed', 'blocked', 'reload', 'reload-aborted'] as const

const hook = v.pipe(
  v.strictObject({
    on: v.pipe(v.array(v.picklist(hookEvents)), v.minLength(1)),
    /** A command line for /bin/sh; the event comes on its stdin as JSON, and in BROOD_EVENT_… variables. */
    run: v.optional(v.pipe(v.string(), v.minLength(1))),
    /** Gets a POST with the event as JSON. */
    post: v.optional(v.pipe(v.string(), v.url(), v.regex(/^https?:/, 'is no http address'))),
  }),
  v.check(({ run, post }) => (run === undefined) !== (post === undefined), "needs either 'run' or 'post'"),
)

export type Hook = Readonly<v.InferOutput<typeof hook>>

/** The whole description, resolved: paths absolute, times in milliseconds, sizes in bytes, nothing left to guess. */
export const appSpec = v.strictObject({
  name: appName,
  script: absolutePath,
  args: v.array(v.string()),
  /** For Node itself, before the script. */
  nodeArgs: v.array(v.string()),
  /** What runs the script in place of Node: a program, or `none` for a script that is a program itself. */
  interpreter: v.optional(v.pipe(v.string(), v.minLength(1))),
  cwd: absolutePath,
  env: v.record(v.string(), v.string()),
  /** As whom the workers run; names or numbers. */
  uid: v.optional(v.union([natural, v.pipe(v.string(), v.minLength(1))])),
  gid: v.optional(v.union([natural, v.pipe(v.string(), v.minLength(1))])),
  /** Scheduling priority, −20 (first) to 19 (last). */
  nice: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-20), v.maxValue(19))),
  /** For the app as a whole, by cgroup v2: processors (1.5), bytes. */
  limits: v.optional(
    v.strictObject({
      cpu: v.optional(v.pipe(v.number(), v.gtValue(0))),
      memory: v.optional(positive),
    }),
  ),
  workers: workerCount,
  /** As many sockets are bound to each address; `scale` goes no further. */
  maxWorkers: v.optional(workerCount, usualMaxWorkers),
  /** Bound before the first worker starts, and told to the program as PORT. */
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535))),
  share: v.optional(v.picklist(['slots', 'shared', 'balanced', 'ports']), defaultShareMode),
  /** How the supervisor, or with `share: 'ports'` the proxy, chooses a worker; `weights` by slot, 1 where there is none. */
  balance: v.optional(
    v.strictObject({
      algorithm: v.picklist(balancerNames),
      weights: v.optional(v.array(v.pipe(v.number(), v.gtValue(0))), []),
    }),
  ),
  /** With `share: 'ports'`: where workers listen; slot 0 on `from`, the others on the next ports, or all on any free ones. */
  ports: v.optional(v.strictObject({ host: v.string(), from: v.optional(portNumber) })),
  /** With `share: 'ports'`: the built-in proxy in front; without it somebody else's is. */
  proxy: v.optional(
    v.strictObject({
      /** Whether it balances requests or connections; without it, by what the program speaks. */
      mode: v.optional(v.picklist(['http', 'tcp'])),
      /** How many processes it is. */
      workers: workerCount,
      /** The cookie that keeps a client with its worker. */
      sticky: v.optional(v.string()),
      /** Whether it is asked by another proxy, whose `X-Forwarded-…` headers are true. */
      trust: v.optional(v.boolean(), false),
    }),
  ),
  /** This app is the built-in proxy of that one. */
  proxyOf: v.optional(appName),
  /** Whether idle keep-alive connections are moved from workers with many to workers with few. */
  rebalance: v.optional(v.boolean(), false),
  /** When a worker counts as ready, how long it may take, and how long it must last before a reload relies on it. */
  ready: v.pipe(
    v.strictObject({
      on: v.picklist(['listening', 'message', 'spawn', 'probe']),
      timeout: millis,
      settle: millis,
      probe: v.optional(probe),
      /** Between two tries of the probe. */
      every: v.optional(v.pipe(millis, v.minValue(10)), 250),
    }),
    v.check(
      ({ on, probe: asked }) => (on === 'probe') === (asked !== undefined),
      "'probe' belongs to on: 'probe'",
    ),
  ),
  /** A ready worker that fails this probe so many times in a row is replaced. */
  live: v.optional(
    v.strictObject({
      probe,
      every: v.pipe(millis, v.minValue(10)),
      timeout: v.pipe(millis, v.minValue(1)),
      failures: positive,
    }),
  ),
  /** A ready worker whose event loop does not turn for so long is replaced; 0: never. */
  watchdog: v.optional(millis, 30_000),
  stop: v.strictObject({ signal: signalName, grace: millis }),
  restart: v.strictObject({
    policy: v.picklist(['permanent', 'transient', 'temporary']),
    intensity: natural,
    period: millis,
    /** `jitter`: up to this share is added to or taken from each delay, so that not everybody comes back at once. */
    backoff: v.strictObject({ from: millis, to: millis, jitter: v.optional(fraction, 0) }),
    /** Exit codes that end a slot for good, whatever the policy. */
    stopExitCodes: v.optional(v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))), []),
  }),
  /** What makes a worker be replaced by a new one, gently, as in a reload of its slot. */
  renew: v.optional(
    v.strictObject({
      /** Bytes of resident memory. */
      maxMemory: v.optional(positive),
      maxRequests: v.optional(positive),
      maxAge: v.optional(v.pipe(longMillis, v.minValue(1))),
      /** A cron pattern; all slots, one after the other. */
      cron: v.optional(v.pipe(v.string(), v.minLength(1))),
      /** Share by which maxRequests and maxAge differ from worker to worker. */
      jitter: v.optional(fraction, 0.1),
    }),
    { jitter: 0.1 },
  ),
  reload: v.optional(
    v.strictObject({
      /** How many slots are replaced at a time. */
      parallel: v.optional(workerCount, 1),
      /** The first new worker serves beside the old one for this long before the rest follow; it must do no worse. */
      canary: v.optional(v.strictObject({ watch: millis, maxErrorRate: v.optional(fraction, 0.05) })),
    }),
    { parallel: 1 },
  ),
  /** Started when these are ready, stopped before them: names of apps, `tcp:host:port`, `http://…`. */
  dependsOn: v.optional(v.array(v.pipe(v.string(), v.minLength(1))), []),
  /** Apps of one group fall and rise together, as the strategy says (Erlang/OTP's words); in the order of `dependsOn`. */
  group: v.optional(
    v.strictObject({
      name: appName,
      strategy: v.picklist(['one-for-one', 'one-for-all', 'rest-for-one']),
    }),
  ),
  /** For development: reloads when a file below one of the paths changes. */
  watch: v.optional(
    v.strictObject({
      paths: v.pipe(v.array(absolutePath), v.minLength(1)),
      ignore: v.optional(v.array(v.string()), ['node_modules', '.git']),
      debounce: v.optional(millis, 200),
    }),
  ),
  logs: v.optional(
    v.strictObject({
      /** `inherit`: the workers write to the supervisor's own stdout and stderr. */
      to: v.optional(v.picklist(['files', 'inherit']), 'files'),
      /** `text`: the time before each line; `json`: one object a line, with time, stream, slot and pid. */
      format: v.optional(v.picklist(['raw', 'text', 'json']), 'raw'),
      /** Bytes, and milliseconds, after which a file is rotated; 0: never. `keep`: rotated files of each stream. */
      rotate: v.optional(
        v.strictObject({
          size: v.optional(natural, 0),
          every: v.optional(longMillis, 0),
          keep: v.optional(positive, 10),
          gzip: v.optional(v.boolean(), true),
        }),
        { size: 0, every: 0, keep: 10, gzip: true },
      ),
    }),
    { to: 'files', format: 'raw' },
  ),
  hooks: v.optional(v.array(hook), []),
})

export type AppSpec = Readonly<v.InferOutput<typeof appSpec>>
