// Notes whether upstreams can be reached, and says so when that changes.
import type { Surroundings } from './surroundings.ts'
import type { Upstream } from './upstream.ts'

export function noteReached(upstream: Upstream, { warn }: Surroundings): void {
  if (upstream.reached()) warn(`upstream ${upstream.name} can be reached again`)
}

export function noteFailure(upstream: Upstream, reason: string, { warn }: Surroundings): void {
  // One that is to go is expected to be gone.
  if (upstream.failed() && !upstream.isRetired)
    warn(`upstream ${upstream.name} can't be reached: ${reason}; left out until it can`)
}
