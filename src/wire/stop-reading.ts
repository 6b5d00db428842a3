// The one private call on a socket's handle: public Node cannot stop the reading of a connection that only passes through.
import type { Socket } from 'node:net'

interface Handle {
  reading?: boolean
  readStop(): number
}

/**
 * Stops the reading of a connection received over IPC, in the same tick. Node starts to read every received socket at
 * once, and `socket.pause()` leaves its handle reading: bytes that come while the connection travels on would be read
 * here and lost. False when this Node offers no `readStop`; then the connection must not be passed on.
 */
export function stopReading(socket: Socket): boolean {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined
  if (!isHandle(handle)) return false
  handle.readStop()
  handle.reading = false
  return true
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' && value !== null && 'readStop' in value && typeof value.readStop === 'function'
  )
}
