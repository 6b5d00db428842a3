// The lifecycle's words: what an app's state is made of, what can happen to it, and what it asks to be done.
import type { Millis } from '../kernel/clock.ts'

/** How an app is to be treated; all times in milliseconds. */
export interface Policy {
  /** Permanent: always restarted. Transient: only after an abnormal exit. Temporary: never. (Erlang/OTP's words.) */
  readonly restart: 'permanent' | 'transient' | 'temporary'
  /** The most restarts of one slot within `period`; one more and the slot has failed. */
  readonly intensity: number
  readonly period: Millis
  /** `jitter`: by up to this share each delay is longer or shorter. */
  readonly backoff: { readonly from: Millis; readonly to: Millis; readonly jitter: number }
  /** Exit codes that end a slot for good, whatever `restart` says. */
  readonly stopExitCodes: readonly number[]
  /** From spawn to ready. */
  readonly readyTimeout: Millis
  /** How long a reload's new worker must stay ready before the old one leaves. */
  readonly settle: Millis
  /** From being told to leave to SIGKILL. */
  readonly grace: Millis
  /** How many slots a reload replaces at a time. */
  readonly parallel: number
  /** How long the first new worker of a reload serves beside the old one before the rest follow. */
  readonly canary?: Millis
  /** A ready worker of this age is replaced, sooner or later by up to the share `jitter`. */
  readonly maxAge?: { readonly age: Millis; readonly jitter: number }
}

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

interface Numbered {
  /** Counts all workers the app ever had; never reused. */
  readonly id: number
  readonly slot: number
  /** Which description of the app it was started by. */
  readonly release: number
}

/**
 * `returning`: a supervisor before this one started it, and it has not reported yet; it may well be serving.
 * `fault`: brood ends this worker because of it, so its exit counts as a crash.
 */
export type Worker =
  | (Numbered & { readonly at: 'returning'; readonly deadline: Millis })
  | (Numbered & { readonly at: 'starting'; readonly deadline: Millis; readonly problem?: string })
  | (Numbered & { readonly at: 'settling'; readonly until: Millis })
  | (Numbered & { readonly at: 'ready'; readonly since: Millis; readonly renewAt: Millis })
  | (Numbered & { readonly at: 'draining'; readonly signalAt: Millis; readonly killAt: Millis })
  | (Numbered & { readonly at: 'ending'; readonly killAt: Millis; readonly fault?: string })
  | (Numbered & { readonly at: 'killed'; readonly fault?: string })

/** A slot apart from who occupies it. `restarts`: when it was restarted, within the period; `release`: its workers'. */
export type Slot = {
  readonly crashes: number
  readonly restarts: readonly Millis[]
  readonly release: number
} & (
  | { readonly at: 'active' }
  | { readonly at: 'backoff'; readonly retryAt: Millis }
  | { readonly at: 'failed'; readonly reason: string }
  | { readonly at: 'done' }
)

/** What was asked for and is not finished yet. */
export type Operation =
  | { readonly type: 'none' }
  /** Every slot is to become ready; with `fresh`, one failure stops the app instead of being retried. */
  | { readonly type: 'start'; readonly fresh: boolean }
  | Reload
  | { readonly type: 'restart' }
  | { readonly type: 'scale' }
  | { readonly type: 'stop' }

export interface Reload {
  readonly type: 'reload'
  /** A command asked for it, a worker is due to be renewed, or a release that failed is taken back. */
  readonly why: 'command' | 'renewal' | 'rollback'
  readonly release: number
  /** Whether slots that have the new release go back to the old one when another slot's new worker fails. */
  readonly rollback: boolean
  /** All slots it is about. */
  readonly slots: readonly number[]
  /** Those still to come. */
  readonly queue: readonly number[]
  /** Slots in which a new worker proves itself beside the old one. */
  readonly current: readonly { readonly slot: number; readonly next: number }[]
  /** The first slot is being watched, and nobody else moves. */
  readonly canary: boolean
}

export type Command =
  | { readonly type: 'start'; readonly fresh: boolean }
  | { readonly type: 'restart'; readonly release?: number }
  /** All slots, or these; with another release, to that one, with `rollback` back again if it fails. */
  | {
      readonly type: 'reload'
      readonly slots?: readonly number[]
      readonly release?: number
      readonly rollback?: boolean
    }
  | { readonly type: 'scale'; readonly size: number }

export interface AppState {
  readonly policy: Policy
  readonly wanted: 'running' | 'stopped'
  /** How many slots are to be occupied. */
  readonly size: number
  readonly operation: Operation
  readonly workers: ReadonlyMap<number, Worker>
  readonly slots: readonly Slot[]
  readonly nextId: number
  /** What slots without a worker are filled with: the last release that has proved itself. */
  readonly release: number
  /** Workers to be replaced as soon as nothing else is going on, and not before `renewAfter`. */
  readonly renewals: readonly { readonly worker: number; readonly reason: string }[]
  readonly renewAfter: Millis
  /** A command that came while a worker was being renewed; it is next. */
  readonly pending: Command | undefined
}

export type Event =
  | Command
  | { readonly type: 'stop' }
  /** The living workers of an earlier supervisor; each will report, or be given up at `deadline`. */
  | {
      readonly type: 'found'
      readonly workers: readonly {
        readonly worker: number
        readonly slot: number
        readonly release: number
      }[]
      readonly deadline: Millis
    }
  /** A found worker has reported, and says how far it is. */
  | {
      readonly type: 'returned'
      readonly worker: number
      readonly phase: 'starting' | 'ready' | 'draining' | 'drained'
    }
  /** Settings that need no new worker. */
  | { readonly type: 'policy'; readonly policy: Policy }
  /** The worker is to be replaced, gently. */
  | { readonly type: 'renew'; readonly worker: number; readonly reason: string }
  /** Its event loop does not turn: it can do nothing more, not even end. */
  | { readonly type: 'blocked'; readonly worker: number; readonly reason: string }
  | { readonly type: 'ready'; readonly worker: number }
  | { readonly type: 'drained'; readonly worker: number }
  /** Its readiness probe has had this for an answer. */
  | { readonly type: 'unready'; readonly worker: number; readonly problem: string }
  /** The worker cannot be trusted any more, for the reason given. */
  | { readonly type: 'fault'; readonly worker: number; readonly reason: string }
  /** `reason` in one line, for people. */
  | { readonly type: 'exited'; readonly worker: number; readonly exit: Exit; readonly reason: string }
  | { readonly type: 'tick' }

export type Effect =
  | {
      readonly type: 'spawn'
      readonly worker: number
      readonly slot: number
      readonly release: number
    }
  /** `handOn`: others stay, so idle connections have somewhere to go. */
  | { readonly type: 'drain'; readonly worker: number; readonly handOn: boolean; readonly within: Millis }
  /** The app's stop signal, to the worker's whole process group. */
  | { readonly type: 'signal'; readonly worker: number }
  | { readonly type: 'kill'; readonly worker: number }
  | { readonly type: 'notice'; readonly notice: Notice }

/** What people and waiting commands are told. */
export type Notice =
  | { readonly type: 'worker-ready'; readonly worker: number; readonly slot: number }
  | {
      readonly type: 'worker-exited'
      readonly worker: number
      readonly slot: number
      readonly expected: boolean
      readonly reason: string
    }
  | {
      readonly type: 'worker-killed'
      readonly worker: number
      readonly slot: number
      readonly reason: string
    }
  | { readonly type: 'worker-backoff'; readonly slot: number; readonly delay: Millis }
  | { readonly type: 'slot-failed'; readonly slot: number; readonly reason: string }
  /** No slot is left that runs or will; `failed` when one was given up. */
  | { readonly type: 'finished'; readonly failed: boolean }
  | { readonly type: 'started' }
  | { readonly type: 'start-failed'; readonly slot: number; readonly reason: string }
  | { readonly type: 'reloaded' }
  | { readonly type: 'reload-aborted'; readonly slot: number; readonly reason: string }
  /** What a failed release had replaced has its old release again; or not, for this reason. */
  | { readonly type: 'rolled-back'; readonly failed?: string }
  | {
      readonly type: 'worker-renewing'
      readonly worker: number
      readonly slot: number
      readonly reason: string
    }
  | { readonly type: 'renewed'; readonly slot: number }
  /** The old worker goes on, and is not renewed for a while. */
  | { readonly type: 'renewal-failed'; readonly slot: number; readonly reason: string }
  /** The first new worker of a reload has served well for its time. */
  | { readonly type: 'canary-passed'; readonly slot: number }
  | { readonly type: 'worker-returned'; readonly worker: number; readonly slot: number }
  | { readonly type: 'scaled' }
  | { readonly type: 'stopped' }
  | { readonly type: 'refused'; readonly command: string; readonly during: string }

export function initialState(
  policy: Policy,
  size: number,
  release = 1,
  wanted: AppState['wanted'] = 'stopped',
): AppState {
  return {
    policy,
    wanted,
    size,
    operation: { type: 'none' },
    workers: new Map(),
    slots: [],
    nextId: 1,
    release,
    renewals: [],
    renewAfter: 0,
    pending: undefined,
  }
}
