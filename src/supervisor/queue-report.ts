// How many connections wait in each accept queue of an app; asked of the system only when somebody wants to know.
import { readFile } from 'node:fs'
import type { Clock, Millis } from '../kernel/clock.ts'
import { tcpListeners } from '../process/tcp-listeners.ts'

/** On a machine with very many sockets even the way to the listeners can be long. */
const within: Millis = 500

export interface QueueReport {
  readonly address: string
  /** Whose workers accept from it; null when all do. */
  readonly slot: number | null
  /** Established connections that nobody has accepted yet; null where the system does not tell. */
  readonly waiting: number | null
  /** As many may wait, before further clients are not even answered; null when that is not known. */
  readonly limit: number | null
  /** The slot whose worker accepts from it meanwhile. */
  readonly adopter: number | null
}

/** One queue as the app knows it. */
export interface KnownQueue extends Pick<QueueReport, 'address' | 'slot' | 'adopter'> {
  readonly inode: number | undefined
  /** What the worker has listened with. */
  readonly backlog: number | undefined
}

export async function queueReports(queues: readonly KnownQueue[], clock: Clock): Promise<QueueReport[]> {
  if (queues.length === 0) return []
  const stop = new AbortController()
  const cancel = clock.at(clock.now() + within, () => stop.abort())
  const [listeners, most] = await Promise.all([tcpListeners(stop.signal), longestQueue()])
  cancel()
  const waiting = new Map(listeners?.map((one) => [one.inode, one.waiting]))
  return queues.map(({ address, slot, adopter, inode, backlog }) => ({
    address,
    slot,
    waiting: inode === undefined ? null : (waiting.get(inode) ?? null),
    limit: backlog === undefined || most === undefined ? null : Math.min(backlog, most),
    adopter,
  }))
}

/** The kernel cuts every backlog to this. */
function longestQueue(): Promise<number | undefined> {
  return new Promise((resolve) =>
    readFile('/proc/sys/net/core/somaxconn', 'latin1', (error, text) =>
      resolve(error === null ? Number(text) : undefined),
    ),
  )
}
