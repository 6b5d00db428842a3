// Takes connections from its parent, and tells each client its name.
import { Socket } from 'node:net'

const [, , name = 'a child'] = process.argv

process.on('message', (_message, socket) => {
  // The client may have gone while its connection was on the way: then there is none.
  if (socket instanceof Socket) socket.end(name)
})
