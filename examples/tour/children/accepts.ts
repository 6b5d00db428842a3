// Takes a server from its parent, and tells each client its name.
import { Server } from 'node:net'

const [, , name = 'a child'] = process.argv

process.on('message', (_message, server) => {
  if (!(server instanceof Server)) return
  server.on('connection', (socket) => socket.end(name))
  process.send?.('accepting')
})
