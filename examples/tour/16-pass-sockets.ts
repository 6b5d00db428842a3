// The parent accepts and passes each connection to a child, in turn: it decides who serves.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fork } from 'brood/process'
import { askTcp, tally } from './ask.ts'

const children = ['child 1', 'child 2', 'child 3'].map((name) =>
  fork(new URL('children/answers.ts', import.meta.url), [name]),
)

// Without pauseOnConnect this process might read a client's first words, and the child would never see them.
const server = createServer({ pauseOnConnect: true })
let turn = 0
server.on('connection', (socket) => {
  // One connection, one child: once it is sent, this process closes its own descriptor of it.
  const child = children[turn++ % children.length]
  child?.send('socket', { handle: socket }).catch(() => socket.destroy())
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo // it listens on TCP

for (const [name, count] of await tally(9, () => askTcp(port))) console.log(`${name}: ${count}`)

server.close()
await Promise.all(children.map((child) => child.stop()))
