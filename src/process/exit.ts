// How a child ended.
import type { Millis } from '../kernel/clock.ts'

/**
 * Who ended it: `itself`, by returning or `process.exit`; `stop`, `kill` and `timeout`, `abort`, `limit` (its output grew
 * over maxBuffer): this side, by that; `outside`: a signal that this side did not send.
 */
export type AskedBy = 'itself' | 'stop' | 'kill' | 'timeout' | 'abort' | 'limit' | 'outside'

export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly askedBy: AskedBy
  /** Milliseconds since the epoch. */
  readonly startedAt: Millis
  readonly endedAt: Millis
}

export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`
}
