/** A port that is free at this moment: the system gives it out in turn, so nobody else gets it soon. */
import { once } from 'node:events'
import net from 'node:net'

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  server.close()
  await once(server, 'close')
  return address.port
}
