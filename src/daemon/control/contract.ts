// The control API: every operation with the schema of its input and the type of its answer, for server and client alike.
import * as v from 'valibot'
import { appName, appSpec, signalName } from '../../config/app-spec.ts'
import type { Route } from '../../proxy/route.ts'
import type { Failure } from '../../supervisor/failure.ts'
import type { QueueReport } from '../../supervisor/queue-report.ts'
import type { AppReport } from '../../supervisor/report.ts'
import type { ServedReport } from '../../supervisor/served-report.ts'
import { eventTypes, type HistoryEvent, mostEvents } from '../event.ts'
import type { LogFile } from '../log-files.ts'
import type { RememberedApp } from '../state-file.ts'

/** `web`, `web/0` or `all`. */
const target = v.pipe(
  v.string(),
  v.regex(/^(all|[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(\/\d{1,4})?)$/, 'is no app, app/slot or all'),
)

const none = v.strictObject({})
const one = v.strictObject({ target })

/** Milliseconds since the epoch. */
const pointInTime = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15))

/** `POST /v1/<operation>` with the input as JSON. */
export const operations = {
  status: none,
  list: none,
  show: v.strictObject({ app: appName }),
  /** Its workers count their requests from the first time on that this is asked. */
  served: v.strictObject({ app: appName }),
  start: v.strictObject({ spec: appSpec }),
  reload: one,
  restart: one,
  stop: one,
  delete: one,
  scale: v.strictObject({
    app: appName,
    change: v.pipe(v.string(), v.regex(/^[+-]?\d{1,4}$/, 'is no number, +n or -n')),
  }),
  /**
   * Gives a running app another description: `live` changes how it is supervised, `reload` replaces its workers besides,
   * `restart` ends it and starts it anew.
   */
  update: v.strictObject({ spec: appSpec, how: v.picklist(['live', 'reload', 'restart']) }),
  signal: v.strictObject({ target, signal: signalName }),
  logs: v.strictObject({ target }),
  /** Answers with JSON lines: the latest events that fit, then with `follow` those to come. */
  events: v.strictObject({
    app: v.optional(appName),
    since: v.optional(pointInTime),
    until: v.optional(pointInTime),
    types: v.optional(v.array(v.picklist(eventTypes, 'is no type of event'))),
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostEvents))),
    follow: v.boolean(),
  }),
  rollback: v.strictObject({ app: appName }),
  /** Answers with JSON lines: what the proxy of an app in share mode `ports` is to do, now and after each change. */
  routes: v.strictObject({ app: appName }),
  /** The program and arguments that run a supervisor, of the version that is to take over. */
  upgrade: v.strictObject({ command: v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.minLength(2)) }),
  kill: none,
} as const

export type OperationName = keyof typeof operations
/** Answered with one JSON line after the other. */
export type StreamName = 'events' | 'routes'
export type CallName = Exclude<OperationName, StreamName>
/** What one line of a stream holds. */
export interface Lines {
  events: HistoryEvent
  routes: readonly Route[]
}
export type Input<Name extends OperationName> = v.InferOutput<(typeof operations)[Name]>

export interface SupervisorReport {
  readonly pid: number
  readonly version: string
  readonly protocol: number
  readonly node: string
  readonly home: string
  /** Milliseconds. */
  readonly uptime: number
  /** Bytes. */
  readonly rss: number
  readonly apps: number
}

export interface AppDetail extends AppReport {
  readonly queues: readonly QueueReport[]
  readonly spec: RememberedApp['spec']
  readonly failure: Failure | null
  /** In share mode `ports`: the port of each slot, for each address of the program. */
  readonly workerPorts?: readonly WorkerPorts[]
}

export interface WorkerPorts {
  /** What the program asked for: `*:3000`. */
  readonly address: string
  readonly host: string
  /** By slot. */
  readonly ports: readonly number[]
}

/** Operations on several apps at once tell what became of each. */
export interface AppResult {
  readonly app: string
  readonly error?: { readonly code: string; readonly message: string; readonly detail: readonly string[] }
  readonly report?: AppReport
}

export interface Answers {
  status: SupervisorReport
  list: AppReport[]
  show: AppDetail
  served: ServedReport[]
  start: AppReport
  reload: AppResult[]
  restart: AppResult[]
  stop: AppResult[]
  delete: AppResult[]
  scale: AppReport
  update: AppResult
  signal: { reached: number }
  logs: LogFile[]
  rollback: AppResult
  upgrade: { pid: number; successor: number }
  kill: { apps: number }
}
