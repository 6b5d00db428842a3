// What becomes of a request that an upstream did not answer: asked again, elsewhere, or told to the client.

/** How far a request had come when it failed. */
export type Stage =
  /** No connection was there yet, so nothing was sent. */
  | 'connecting'
  /** It may have been sent, in part or whole; nothing of an answer has come. */
  | 'sent'
  /** The head of an answer has come. */
  | 'answered'

export interface Failure {
  readonly stage: Stage
  /** The connection had served another request before: the upstream may have closed it just then. */
  readonly reused: boolean
  /** Doing it twice is as good as once, and nothing of a body is lost: see `isRepeatable`. */
  readonly repeatable: boolean
  /** It was waited for as long as is allowed. */
  readonly timedOut: boolean
  /** How often it has been sent again already. */
  readonly repeats: number
}

/** A request that brings its worker down must not be given to all of them. */
const mostRepeats = 2

export type Verdict = 'elsewhere' | 'again' | 'give-up'

/** `again`: the same upstream may be asked, by a new connection. */
export function verdictOn({ stage, reused, repeatable, timedOut, repeats }: Failure): Verdict {
  switch (stage) {
    case 'connecting':
      return 'elsewhere'
    case 'sent':
      if (!repeatable || timedOut || repeats >= mostRepeats) return 'give-up'
      return reused ? 'again' : 'elsewhere'
    case 'answered':
      return 'give-up'
  }
}

/** RFC 9110, 9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Nothing is kept of a body that went by, so a request that has one cannot be sent twice. */
export function isRepeatable(method: string, hasBody: boolean): boolean {
  return !hasBody && idempotent.has(method)
}
