// What the supervisor needs to know of an app; the configuration above it is built to fit.
import type { Millis } from '../kernel/clock.ts'
import type { Balance, ShareMode } from '../listen/open-address.ts'
import type { WorkerPorts } from '../listen/ports/port-sockets.ts'
import type { Limits } from '../process/cgroup.ts'
import type { Identity } from '../process/identity.ts'
import type { LogBirth } from '../wire/birth.ts'
import type { WorkerProbe } from './probe.ts'
import type { Policy } from './state.ts'

export interface AppSettings {
  readonly name: string
  readonly script: string
  readonly args: readonly string[]
  readonly nodeArgs: readonly string[]
  /** What runs the script in place of Node; `none` for a script that is a program itself. */
  readonly interpreter: string | undefined
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** As whom the workers run, if not as the supervisor. */
  readonly identity: Identity | undefined
  readonly nice: number | undefined
  readonly limits: Limits | undefined
  readonly workers: number
  readonly maxWorkers: number
  readonly port: number | undefined
  readonly share: ShareMode
  /** How the supervisor chooses, in share mode `balanced`. */
  readonly balance: Balance | undefined
  /** Where each worker listens by itself, in share mode `ports`. */
  readonly ports: WorkerPorts | undefined
  /** Whether idle connections are moved from full workers to empty ones. */
  readonly rebalance: boolean
  readonly readyOn: 'listening' | 'message' | 'spawn' | 'probe'
  readonly stopSignal: NodeJS.Signals
  readonly policy: Policy
  readonly care: Care
}

/** How a worker is looked after while it lives. */
export interface Care {
  /** Asked until the first good answer. */
  readonly ready: { readonly probe: WorkerProbe; readonly every: Millis } | undefined
  readonly live:
    | {
        readonly probe: WorkerProbe
        readonly every: Millis
        readonly timeout: Millis
        readonly failures: number
      }
    | undefined
  /** A loop that does not turn for so long is blocked; 0: not watched. */
  readonly watchdog: Millis
  /** Bytes. */
  readonly maxMemory: number | undefined
  readonly maxRequests: number | undefined
  /** Share by which limits differ from worker to worker. */
  readonly jitter: number
  /** The share of failed answers by which a canary may be worse than the others. */
  readonly canaryErrors: number | undefined
}

/** Where a worker's output goes. */
export interface Output {
  /** Descriptors for one worker of the slot; throws when they cannot be opened. */
  open(slot: number): {
    stdout: number | 'inherit'
    stderr: number | 'inherit'
    /** For the worker's birth: how it is to write by itself. */
    logs?: LogBirth
    close(): void
  }
  /** The last lines this slot wrote to stderr since its worker was opened. */
  lastErrors(slot: number): readonly string[]
}
