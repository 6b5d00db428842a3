// Whom one request has been given to, who is next, and what the client is told when nobody is left.
import { noteFailure } from '../reachability.ts'
import { reasonOf } from '../reason.ts'
import type { Upstream } from '../upstream.ts'
import { type Stage, type Verdict, verdictOn } from './retry.ts'
import type { Site } from './site.ts'

export interface RoundOptions {
  /** The client's address, for algorithms that look at it. */
  readonly address: string | undefined
  /** The slot that the sticky cookie names. */
  readonly wanted: number | undefined
  readonly repeatable: boolean
}

export interface FailedAttempt {
  readonly stage: Stage
  readonly reused: boolean
  readonly timedOut: boolean
  readonly error: unknown
}

/** The answer of the proxy itself. */
export interface Refusal {
  readonly status: 502 | 503 | 504
  readonly text: string
}

export class Round {
  readonly #site: Site
  readonly #options: RoundOptions
  readonly #tried = new Set<Upstream>()
  readonly #reasons: string[] = []
  #repeats = 0
  #late = false

  constructor(site: Site, options: RoundOptions) {
    this.#site = site
    this.#options = options
  }

  next(): Upstream | undefined {
    const { address, wanted } = this.#options
    return this.#site.upstreams.pick(address, this.#tried, wanted)
  }

  failed(upstream: Upstream, { stage, reused, timedOut, error }: FailedAttempt): Verdict {
    const { repeatable } = this.#options
    const verdict = verdictOn({ stage, reused, repeatable, timedOut, repeats: this.#repeats })
    const reason = reasonOf(error)
    if (stage === 'connecting') noteFailure(upstream, reason, this.#site.surroundings)
    else this.#repeats++
    if (verdict !== 'again') {
      this.#tried.add(upstream)
      this.#late = timedOut
      this.#reasons.push(`slot ${upstream.id}: ${reason}${stage === 'sent' ? ' before an answer came' : ''}`)
    }
    return verdict
  }

  /** Addresses are for those who run the proxy alone, so upstreams are named by their slots. */
  refusal(): Refusal {
    if (this.#reasons.length === 0) return { status: 503, text: 'Service Unavailable: there is no upstream' }
    const why = this.#reasons.join('; ')
    if (this.#late) return { status: 504, text: `Gateway Timeout: ${why}` }
    return { status: 502, text: `Bad Gateway: ${why}` }
  }
}
