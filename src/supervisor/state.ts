// The lifecycle's words: what an app's state is made of, what can happen to it, and what it asks to be done.
import type { Millis } from '../kernel/clock.ts'

/** How an app is to be treated; all times in milliseconds. */
export interface Policy {
  /** Permanent: always restarted. Transient: only after an abnormal exit. Temporary: never. (Erlang/OTP's words.) */
  readonly restart: 'permanent' | 'transient' | 'temporary'
  /** The most restarts of one slot within `period`; one more and the slot has failed. */
  readonly intensity: number
  readonly period: Millis
  readonly backoff: { readonly from: Millis; readonly to: Millis }
  /** From spawn to ready. */
  readonly readyTimeout: Millis
  /** How long a reload's new worker must stay ready before the old one leaves. */
  readonly settle: Millis
  /** From being told to leave to SIGKILL. */
  readonly grace: Millis
}

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

interface Numbered {
  /** Counts all workers the app ever had; never reused. */
  readonly id: number
  readonly slot: number
}

/** `fault`: brood ends this worker because of it, so its exit counts as a crash. */
export type Worker =
  | (Numbered & { readonly at: 'starting'; readonly deadline: Millis })
  | (Numbered & { readonly at: 'settling'; readonly until: Millis })
  | (Numbered & { readonly at: 'ready'; readonly since: Millis })
  | (Numbered & { readonly at: 'draining'; readonly signalAt: Millis; readonly killAt: Millis })
  | (Numbered & { readonly at: 'ending'; readonly killAt: Millis; readonly fault?: string })
  | (Numbered & { readonly at: 'killed'; readonly fault?: string })

/** A slot apart from who occupies it. `restarts`: when it was restarted, within the period. */
export type Slot = { readonly crashes: number; readonly restarts: readonly Millis[] } & (
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
  | {
      readonly type: 'reload'
      readonly queue: readonly number[]
      readonly current: { readonly slot: number; readonly next: number } | undefined
    }
  | { readonly type: 'restart' }
  | { readonly type: 'scale' }
  | { readonly type: 'stop' }

export interface AppState {
  readonly policy: Policy
  readonly wanted: 'running' | 'stopped'
  /** How many slots are to be occupied. */
  readonly size: number
  readonly operation: Operation
  readonly workers: ReadonlyMap<number, Worker>
  readonly slots: readonly Slot[]
  readonly nextId: number
}

export type Event =
  | { readonly type: 'start'; readonly fresh: boolean }
  | { readonly type: 'stop' }
  | { readonly type: 'restart' }
  /** All slots, or these. */
  | { readonly type: 'reload'; readonly slots?: readonly number[] }
  | { readonly type: 'scale'; readonly size: number }
  | { readonly type: 'ready'; readonly worker: number }
  | { readonly type: 'drained'; readonly worker: number }
  /** The worker cannot be trusted any more, for the reason given. */
  | { readonly type: 'fault'; readonly worker: number; readonly reason: string }
  /** `reason` in one line, for people. */
  | { readonly type: 'exited'; readonly worker: number; readonly exit: Exit; readonly reason: string }
  | { readonly type: 'tick' }

export type Effect =
  | { readonly type: 'spawn'; readonly worker: number; readonly slot: number }
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
  | { readonly type: 'scaled' }
  | { readonly type: 'stopped' }
  | { readonly type: 'refused'; readonly command: string; readonly during: string }

export function initialState(policy: Policy, size: number): AppState {
  return {
    policy,
    wanted: 'stopped',
    size,
    operation: { type: 'none' },
    workers: new Map(),
    slots: [],
    nextId: 1,
  }
}
