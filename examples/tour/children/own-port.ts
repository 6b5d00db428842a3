// An HTTP server on a free port, which it tells its parent when it is asked.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parent } from 'brood/process'

const server = createServer((_request, response) => response.end(process.argv[2])).listen(0, '127.0.0.1')
const listening = once(server, 'listening')

parent.answer('port', async () => {
  await listening
  return (server.address() as AddressInfo).port // it listens on TCP
})
