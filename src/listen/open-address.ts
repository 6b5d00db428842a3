// Which share mode an address gets, and the sockets in that mode.
import type { BalancerName } from '../balance/index.ts'
import { addressKey, type ListenAddress } from '../wire/messages.ts'
import type { AddressSockets } from './address-sockets.ts'
import { type Found, nothingFound } from './found.ts'
import { bindPorts, type WorkerPorts } from './ports/port-sockets.ts'
import { bindShared, bindSharedPath } from './shared/shared-socket.ts'
import { bindSlots } from './slots/slot-sockets.ts'

export type ShareMode = 'slots' | 'shared' | 'balanced' | 'ports'

export interface Balance {
  readonly algorithm: BalancerName
  /** By slot; 1 where there is none. */
  readonly weights: readonly number[]
}

/** How the workers of one app share what they listen on. */
export interface Sharing {
  readonly mode: ShareMode
  /** The most workers that the app may ever have. */
  readonly slots: number
  /** With mode `ports`. */
  readonly ports?: WorkerPorts | undefined
}

/** Binds what a program asked to listen on. `found`: what is left of an earlier supervisor. */
export function openAddress(
  address: ListenAddress,
  { mode, slots, ports }: Sharing,
  found: Found = nothingFound,
): AddressSockets {
  const key = addressKey(address)
  // Balanced addresses have one socket as well; who accepts on it is another matter.
  if (address.kind === 'unix') return bindSharedPath(key, address.path, found)
  if (ports !== undefined && mode === 'ports') return bindPorts(key, ports, slots, found)
  return mode === 'slots' ? bindSlots(key, address, slots, found) : bindShared(key, address, found)
}
