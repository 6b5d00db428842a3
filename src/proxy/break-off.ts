// Ends a connection so that whoever is at its other end takes what he has got for incomplete.
import type { Socket } from 'node:net'

/** By a reset. A unix socket knows none, and Node throws when it is asked for one: there the end has to do. */
export function breakOff(socket: Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy()
  }
}
