// Serves HTTP on the server that its parent sends along with the request to do so.
import { createServer } from 'node:http'
import { parent } from 'brood/process'

parent.answer('serve', (_, { handle }) => {
  createServer((_request, response) => response.end(process.argv[2])).listen(handle)
})
