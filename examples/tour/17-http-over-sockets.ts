// HTTP by children that listen nowhere: the parent passes them connections, and they give those to their HTTP server.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { BroodError, fork } from 'brood/process'
import { askHttp, tally } from './ask.ts'

const children = ['child 1', 'child 2'].map((name) =>
  fork(new URL('children/http-without-port.ts', import.meta.url), [name]),
)
const [first] = children

// An HTTP server itself cannot travel: what it has parsed so far is memory of this process. Its connections can.
const http = createHttpServer().listen(0, '127.0.0.1')
await once(http, 'listening')
const error: unknown = await first?.send('server', { handle: http }).catch((reason: unknown) => reason)
console.log('passing an http.Server:', error instanceof BroodError && error.code)
http.close()

let turn = 0
const server = createServer({ pauseOnConnect: true }, (socket) => {
  const child = children[turn++ % children.length]
  child?.send('socket', { handle: socket }).catch(() => socket.destroy())
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo // it listens on TCP

for (const [answer, count] of await tally(6, () => askHttp(port))) console.log(`${answer}: ${count}`)

server.close()
await Promise.all(children.map((child) => child.stop()))
