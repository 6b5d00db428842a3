// An HTTP server that never listens: its connections come from the parent.
import { createServer } from 'node:http'
import { Socket } from 'node:net'

const server = createServer((_request, response) => response.end(`answered by ${process.argv[2]}`))

process.on('message', (_message, socket) => {
  if (socket instanceof Socket) server.emit('connection', socket)
})
