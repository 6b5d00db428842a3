// What a worker is born with: its own sockets, those it keeps for others, and the way to bring a supervisor back.
import type { AnySocket } from '../wire/any-socket.ts'
import type { Rescue } from '../wire/birth.ts'
import type { AppEvents } from './app-events.ts'
import type { AppSettings } from './app-settings.ts'
import type { AppSockets } from './app-sockets.ts'
import type { KeptSocket } from './spawned-worker.ts'

export interface Equipment {
  /** Address key → the slot's socket. */
  readonly sockets: ReadonlyMap<string, AnySocket>
  /** Addresses whose connections it is sent. */
  readonly balanced: readonly string[]
  readonly kept: readonly KeptSocket[]
  readonly rescue: Rescue | undefined
}

/** `size`: how many slots the app has now; what only others have listened on it keeps as well. */
export function equip(
  slot: number,
  size: number,
  { name, identity }: AppSettings,
  appSockets: AppSockets,
  events: Pick<AppEvents, 'kept' | 'rescue'>,
): Equipment {
  const own = appSockets.used.within(size).map((one) => ({ app: name, ...one }))
  const known = new Set(own.map(({ key, slot: other }) => `${key} ${other}`))
  const others = events.kept().filter((one) => one.app !== name || !known.has(`${one.key} ${one.slot}`))
  const rescue = events.rescue(slot, identity === undefined)
  const kept = rescue === undefined || rescue.command.length === 0 ? [] : [...own, ...others]
  return { sockets: appSockets.socketsOf(slot), balanced: appSockets.balanced, kept, rescue }
}
