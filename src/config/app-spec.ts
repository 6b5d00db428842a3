// The description of one app, checked once at the border and trusted inside.
import { constants } from 'node:os'
import * as v from 'valibot'

/** Only the kernel's limit on descriptors bounds it; this catches a slip of the finger. */
export const mostWorkers = 1024

/** A day, in milliseconds. */
export const longestTime = 24 * 3_600_000

const millis = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(longestTime))
const workerCount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostWorkers))

export const appName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'use letters, digits, dots, dashes and underscores, at most 64',
  ),
  v.notValue('all', "'all' means every app"),
)

export const signalName = v.custom<NodeJS.Signals>(
  (value) => typeof value === 'string' && Object.hasOwn(constants.signals, value),
  'is no signal of this system',
)

export const appSpec = v.strictObject({
  name: appName,
  /** Absolute path. */
  script: v.pipe(v.string(), v.startsWith('/')),
  args: v.array(v.string()),
  /** For Node itself, before the script. */
  nodeArgs: v.array(v.string()),
  cwd: v.pipe(v.string(), v.startsWith('/')),
  env: v.record(v.string(), v.string()),
  workers: workerCount,
  /** As many sockets are bound to each address; `scale` goes no further. */
  maxWorkers: workerCount,
  /** Bound before the first worker starts, and told to the program as PORT. */
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535))),
  share: v.picklist(['slots', 'shared']),
  /** When a worker counts as ready, how long it may take, and how long it must last before a reload relies on it. */
  ready: v.strictObject({
    on: v.picklist(['listening', 'message', 'spawn']),
    timeout: millis,
    settle: millis,
  }),
  stop: v.strictObject({ signal: signalName, grace: millis }),
  restart: v.strictObject({
    policy: v.picklist(['permanent', 'transient', 'temporary']),
    intensity: v.pipe(v.number(), v.integer(), v.minValue(0)),
    period: millis,
    backoff: v.strictObject({ from: millis, to: millis }),
  }),
  /** `inherit`: the workers write to the supervisor's own stdout and stderr. */
  logs: v.picklist(['files', 'inherit']),
})

export type AppSpec = Readonly<v.InferOutput<typeof appSpec>>
