// Which share mode an address gets, and the sockets in that mode.
import type { BalancerName } from '../balance/index.ts'
import { BroodError } from '../kernel/errors.ts'
import { addressKey, type ListenAddress, type UdpAddress } from '../wire/messages.ts'
import type { AddressSockets } from './address-sockets.ts'
import { openDatagrams } from './datagrams/datagram-sockets.ts'
import { type Found, nothingFound } from './found.ts'
import { bindPorts, type WorkerPorts } from './ports/port-sockets.ts'
import { bindShared, bindSharedPath } from './shared/shared-socket.ts'
import { bindSlots } from './slots/slot-sockets.ts'

export type ShareMode = 'slots' | 'shared' | 'balanced' | 'ports'

/** How the workers share a UDP port in each mode. Where it is a connection that is given to a worker, they cannot: UDP has none. */
const datagramSockets: Record<ShareMode, 'one-per-slot' | 'one' | 'none'> = {
  slots: 'one-per-slot',
  shared: 'one',
  balanced: 'none',
  ports: 'none',
}

export function sharesDatagrams(mode: ShareMode): boolean {
  return datagramSockets[mode] !== 'none'
}

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
  if (address.kind === 'udp') return openUdp(address, mode, slots, found)
  // Balanced addresses have one socket as well; who accepts on it is another matter.
  if (address.kind === 'unix') return bindSharedPath(key, address.path, found)
  if (ports !== undefined && mode === 'ports') return bindPorts(key, ports, slots, found)
  return mode === 'slots' ? bindSlots(key, address, slots, found) : bindShared(key, address, found)
}

function openUdp(address: UdpAddress, mode: ShareMode, slots: number, found: Found): AddressSockets {
  const able = Object.keys(datagramSockets).filter((one) => sharesDatagrams(one as ShareMode)) // its keys are modes
  if (!sharesDatagrams(mode)) {
    throw new BroodError(
      'share_mode_unfit',
      `share mode '${mode}' cannot share UDP port ${address.port}: it hands connections to workers, and UDP has none; ` +
        `use --share ${able.join(' or ')}, or bind({ port, exclusive: true }) in one worker`,
    )
  }
  // Only Linux spreads datagrams over several sockets of one address.
  const isSpread = datagramSockets[mode] === 'one-per-slot' && process.platform === 'linux'
  return openDatagrams(address, isSpread ? slots : 1, found)
}
