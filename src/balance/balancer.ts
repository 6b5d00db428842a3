// What every balancing algorithm is: a pure choice among targets, with no knowledge of sockets or processes.

/** One of those that can take a connection. */
export interface Target {
  /** Stays the same for the target's life. */
  readonly id: number
  /** Connections it has just now. */
  readonly connections: number
  /** Its share, relative to the others; 1 is usual. */
  readonly weight: number
  /** How long it takes to pick up a connection, in milliseconds: an average in which the last ones count most. */
  readonly latency: number
}

/** What is known of a connection before it is read. */
interface Arrival {
  /** The client's address without its port; undefined for unix sockets. */
  readonly remoteAddress: string | undefined
}

export interface Balancer {
  /** One of `targets`, which has at least one. May remember what it chose, so each address needs a balancer of its own. */
  pick(targets: readonly [Target, ...Target[]], arrival: Arrival): Target
}

/** A number from 0 up to, not including, 1. */
export type Random = () => number
