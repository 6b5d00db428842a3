// Whether a worker that comes back could bring up a supervisor that has more: it serves on a socket that this one lacks.
import type { BackMessage, KeptPlace } from '../wire/messages.ts'

type Held = BackMessage['held'][number]

/** What of the worker's is not what this supervisor has in that place. */
export function staleOf({ held }: BackMessage, inodeAt: (place: KeptPlace) => number | undefined): Held[] {
  return held.filter((one) => one.inode !== inodeAt(one))
}

/**
 * Whoever brought this supervisor up lacked a socket, another was bound beside it, and connections wait on the one that the
 * worker serves: they would be reset when it closes the last copy. `kept`: what this supervisor has in use. The worker must have
 * all of that, so that of two supervisors the later one never has less.
 */
export function isBetterHeir(back: BackMessage, stale: readonly Held[], kept: readonly KeptPlace[]): boolean {
  const has = (place: KeptPlace): boolean => back.held.some((one) => isSame(one, place))
  return stale.some((one) => isServed(back, one)) && kept.every(has)
}

function isServed({ app, slot, phase, listening, adopted, held }: BackMessage, place: Held): boolean {
  if (place.app !== app) return false
  const ofAddress = held.filter((one) => one.app === app && one.key === place.key)
  // A shared address has one socket, whoever listens.
  const isOwn = place.slot === slot || ofAddress.length === 1
  // One that starts is about to listen, on the socket it was born with.
  const listens = listening.includes(place.key) || phase === 'starting'
  return (
    (isOwn && listens) || adopted.some(({ key, slot: other }) => key === place.key && other === place.slot)
  )
}

function isSame(one: KeptPlace, other: KeptPlace): boolean {
  return one.app === other.app && one.key === other.key && one.slot === other.slot
}
