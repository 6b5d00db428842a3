// What can happen, as it is kept and told: the types of events, the shape of one, and which of them somebody asks for.
import type { Millis } from '../kernel/clock.ts'

export const eventTypes = [
  'supervisor-started',
  'supervisor-stopped',
  'supervisor-replaced',
  'supervisor-left',
  'state-unreadable',
  'history-unreadable',
  'events-lost',
  'asked',
  'applied',
  'app-waiting',
  'started',
  'start-failed',
  'reloaded',
  'reload-aborted',
  'canary-passed',
  'rolled-back',
  'scaled',
  'rebalanced',
  'stopped',
  'finished',
  'worker-started',
  'worker-ready',
  'worker-renewing',
  'renewed',
  'renewal-failed',
  'worker-exited',
  'worker-killed',
  'worker-blocked',
  'worker-returned',
  'worker-backoff',
  'worker-unwritten',
  'slot-failed',
  'hook-failed',
  'warning',
] as const

export type EventType = (typeof eventTypes)[number]

export interface NewEvent {
  readonly type: EventType
  readonly app?: string
  readonly slot?: number
  readonly pid?: number
  /** What exactly, in one line, for people. */
  readonly reason?: string
  /** Who asked, or what made it happen: `command reload by uid 0`, `boot`, `crash`, `cron '0 3 * * *'`, … */
  readonly cause?: string
  /** More lines, such as a stack. */
  readonly detail?: readonly string[]
}

export interface HistoryEvent extends NewEvent {
  /** Grows with every event, also over supervisors; it says nothing else. */
  readonly id: number
  readonly at: Millis
}

/** The latest `limit` of the events for which all of it holds; `since` and `until` are meant inclusive. */
export interface EventQuery {
  readonly app?: string | undefined
  readonly since?: Millis | undefined
  readonly until?: Millis | undefined
  readonly types?: readonly EventType[] | undefined
  readonly limit?: number | undefined
}

export const usualEventLimit = 1000

export function fits(event: HistoryEvent, { app, since, until, types }: EventQuery): boolean {
  return (
    (app === undefined || event.app === app) &&
    (since === undefined || event.at >= since) &&
    (until === undefined || event.at <= until) &&
    (types === undefined || types.includes(event.type))
  )
}

/** One answer is in the supervisor's memory as a whole; who wants more asks again, with `until`. */
export const mostEvents = 10_000
