// The control API: every operation with the schema of its input and the type of its answer, for server and client alike.
import * as v from 'valibot'
import { appName, appSpec, signalName } from '../../config/app-spec.ts'
import type { Failure } from '../../supervisor/failure.ts'
import type { AppReport } from '../../supervisor/report.ts'
import type { HistoryEvent } from '../event-log.ts'
import type { LogFile } from '../log-files.ts'
import type { RememberedApp } from '../state-file.ts'

/** `web`, `web/0` or `all`. */
const target = v.pipe(
  v.string(),
  v.regex(/^(all|[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(\/\d{1,4})?)$/, 'is no app, app/slot or all'),
)

const none = v.strictObject({})
const one = v.strictObject({ target })

/** `POST /v1/<operation>` with the input as JSON. */
export const operations = {
  status: none,
  list: none,
  show: v.strictObject({ app: appName }),
  start: v.strictObject({ spec: appSpec }),
  reload: one,
  restart: one,
  stop: one,
  delete: one,
  scale: v.strictObject({
    app: appName,
    change: v.pipe(v.string(), v.regex(/^[+-]?\d{1,4}$/, 'is no number, +n or -n')),
  }),
  signal: v.strictObject({ target, signal: signalName }),
  logs: v.strictObject({ target }),
  /** Answers with JSON lines: the latest events, then with `follow` those to come. */
  events: v.strictObject({ app: v.optional(appName), follow: v.boolean() }),
  kill: none,
} as const

export type OperationName = keyof typeof operations
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
  readonly spec: RememberedApp['spec']
  readonly failure: Failure | null
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
  start: AppReport
  reload: AppResult[]
  restart: AppResult[]
  stop: AppResult[]
  delete: AppResult[]
  scale: AppReport
  signal: { reached: number }
  logs: LogFile[]
  events: HistoryEvent[]
  kill: { apps: number }
}
