// Two connections joined to one: what comes on either goes out on the other, ends and breaks included.
import type { Socket } from 'node:net'
import { breakOff } from './break-off.ts'

/**
 * Passes bytes both ways with back-pressure. The end of one direction is passed on alone, so both have to be half-open; when one
 * of the two breaks, the other is reset, for what it has got may not be everything. `idle`: milliseconds without a byte after which both
 * are, 0 for never.
 */
export function join(one: Socket, other: Socket, idle: number): void {
  for (const [socket, opposite] of [
    [one, other],
    [other, one],
  ] as const) {
    socket.setKeepAlive(true, keepAliveDelay)
    socket.setTimeout(idle, () => breakOff(socket))
    socket.once('error', () => breakOff(opposite))
    socket.once('close', () => {
      // Closed in order: what was read of it is still on its way out. Otherwise nothing more can come.
      if (!socket.readableEnded) breakOff(opposite)
    })
    socket.pipe(opposite)
  }
}

/** A peer whose machine has vanished is noticed some minutes after this. */
const keepAliveDelay = 60_000
