/** A port that is free at this moment: the system gives it out in turn, so nobody else gets it soon. */
import dgram from 'node:dgram'
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

/** The same of UDP, where another socket gets that port only by chance. */
export async function freeUdpPort(): Promise<number> {
  const socket = dgram.createSocket('udp6').bind(0)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
