// What a load is made of and what came of it: the words between the command and the program that makes the load.
import type { Millis } from '../../kernel/clock.ts'

export interface Load {
  readonly url: string
  readonly connections: number
  readonly duration: Millis
  /** Requests on their way at a time on each connection. */
  readonly pipelining: number
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** A new connection for each request. */
  readonly short: boolean
}

/** Requests that got no answer, by what happened to them. */
export interface Failures {
  /** Nobody listened. */
  readonly refused: number
  readonly reset: number
  /** Closed in good order, but without an answer. */
  readonly closed: number
  readonly timeouts: number
  /** Anything else, such as a host without a route to it. */
  readonly other: number
}

/** Milliseconds, with a fraction. */
export interface Latency {
  readonly mean: Millis
  readonly p50: Millis
  readonly p90: Millis
  readonly p97_5: Millis
  readonly p99: Millis
  readonly p99_9: Millis
  readonly max: Millis
}

export interface LoadResult {
  /** How long it was, in milliseconds; less than asked for when it was ended early. */
  readonly duration: Millis
  /** Requests that were answered, whatever the answer. */
  readonly requests: number
  /** Of the whole time, and of single seconds. */
  readonly perSecond: { readonly mean: number; readonly p2_5: number; readonly min: number }
  /** Bytes of all answers, heads included. */
  readonly bytes: number
  /** Undefined when nothing was answered. */
  readonly latency: Latency | undefined
  readonly failures: Failures
  /** Status → how many answers had it. */
  readonly statuses: Readonly<Record<string, number>>
  /** System code of an error → how often. */
  readonly codes: Readonly<Record<string, number>>
}

/** How far it is. */
export interface Tick {
  /** Milliseconds since the beginning. */
  readonly at: Millis
  /** Requests answered in the last second, and in all. */
  readonly lastSecond: number
  readonly requests: number
  /** Requests without an answer, and answers with a status of 400 and more. */
  readonly errors: number
}

/** What the program that makes the load tells. */
export type LoadMessage =
  | { readonly type: 'tick'; readonly tick: Tick }
  /** Half of the time is over. */
  | { readonly type: 'halfway' }
  | { readonly type: 'done'; readonly result: LoadResult }
