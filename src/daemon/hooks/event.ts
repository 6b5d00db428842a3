// What hooks are told, and as whom their commands run.
import type { Hook } from '../../config/app-spec.ts'
import type { Millis } from '../../kernel/clock.ts'

export interface HookEvent {
  readonly on: Hook['on'][number]
  readonly app: string
  readonly slot?: number
  readonly pid?: number
  readonly reason?: string
  readonly at: Millis
  /** The machine's name. */
  readonly host: string
}

/** Where and as whom an app's commands run: as the app itself does. */
export interface HookPlace {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly uid?: number
  readonly gid?: number
}

/** One event on its way to one hook. */
export interface Delivery {
  readonly hook: Hook
  readonly event: HookEvent
  readonly place: HookPlace
  /** The same at every try, so that a receiver can tell a repetition. */
  readonly id: string
}

export type Outcome =
  | { readonly delivered: true }
  | {
      readonly delivered: false
      readonly why: string
      /** Another try would end the same. */
      readonly isFinal: boolean
      /** When the receiver wants to be asked again. */
      readonly retryAt?: Millis
    }

/** What is sent: `dropped` older events did not fit into the queue and were never told. */
export function bodyOf({ event, id }: Delivery, dropped: number): string {
  const { on, app, slot, pid, reason, at, host } = event
  return JSON.stringify({
    id,
    on,
    app,
    slot,
    pid,
    reason,
    at: new Date(at).toISOString(),
    host,
    ...(dropped === 0 ? {} : { dropped }),
  })
}
