// The upstreams of one route, and the choice among them.
import { type Balancer, type BalancerName, balancers, isSticky } from '../balance/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { UpstreamAddress } from './route.ts'
import { keepingUp } from './silence.ts'
import { Upstream } from './upstream.ts'

export class Upstreams {
  readonly #clock: Clock
  readonly #added: (upstream: Upstream) => void
  #algorithm: BalancerName | undefined
  #balancer: Balancer = balancers['round-robin']()
  #isSticky = false
  #members: readonly Upstream[] = []

  /** `added`: told of each before it is used. */
  constructor(clock: Clock, added: (upstream: Upstream) => void = () => {}) {
    this.#clock = clock
    this.#added = added
  }

  get members(): readonly Upstream[] {
    return this.#members
  }

  /** From now on these; those that stay keep what is known of them. */
  update(algorithm: BalancerName, addresses: readonly UpstreamAddress[]): void {
    if (this.#algorithm !== algorithm) {
      this.#algorithm = algorithm
      this.#balancer = balancers[algorithm]()
      this.#isSticky = isSticky(algorithm)
    }
    const before = new Set(this.#members)
    this.#members = addresses.map((address) => {
      const known = this.#members.find((one) => one.is(address))
      if (known === undefined) return this.#add(address)
      known.weight = address.weight
      before.delete(known)
      return known
    })
    for (const gone of before) gone.retire()
  }

  /**
   * One that has not been tried, or undefined. The `wanted` slot first, if it can be reached; then whom the algorithm picks among
   * those that can be reached and do not lag; then among those that lag; then among those that could not be reached a moment ago.
   * Clients of a sticky algorithm wait for their own.
   */
  pick(
    remoteAddress: string | undefined,
    tried: ReadonlySet<Upstream> = none,
    wanted?: number,
  ): Upstream | undefined {
    const left = tried.size === 0 ? this.#members : this.#members.filter((one) => !tried.has(one))
    const reachable = left.some(isOut) ? left.filter((one) => !one.isOut) : left
    const able = reachable.length > 0 ? reachable : left
    if (wanted !== undefined) {
      const named = reachable.find(({ id }) => id === wanted)
      if (named !== undefined) return named
    }
    const [first, ...rest] = this.#isSticky ? able : keepingUp(able, this.#clock.now())
    if (first === undefined) return undefined
    const picked = this.#balancer.pick([first, ...rest], { remoteAddress })
    return picked instanceof Upstream ? picked : first // an algorithm gives back one of those it was given
  }

  #add(address: UpstreamAddress): Upstream {
    const upstream = new Upstream(address, this.#clock)
    this.#added(upstream)
    return upstream
  }
}

const none: ReadonlySet<Upstream> = new Set()

function isOut(upstream: Upstream): boolean {
  return upstream.isOut
}
