// Which share mode an address gets, and the sockets in that mode.
import { addressKey, type ListenAddress } from '../wire/messages.ts'
import type { AddressSockets } from './address-sockets.ts'
import { bindShared, bindSharedPath } from './shared/shared-socket.ts'
import { bindSlots } from './slots/slot-sockets.ts'

export type ShareMode = 'slots' | 'shared'

/** Binds what a program asked to listen on; `slots` is the most workers the app may ever have. */
export function openAddress(address: ListenAddress, mode: ShareMode, slots: number): AddressSockets {
  const key = addressKey(address)
  if (address.kind === 'unix') return bindSharedPath(key, address.path)
  return mode === 'slots' ? bindSlots(key, address, slots) : bindShared(key, address)
}
