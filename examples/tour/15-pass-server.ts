// Passes a listening server to children: all of them accept from one socket, and whoever is first serves.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { fork } from 'brood/process'
import { askTcp, tally } from './ask.ts'

// One child for each processor but the one that the parent runs on; here not more than four, so that it starts quickly.
const size = Math.min(4, Math.max(2, availableParallelism() - 1))
const names = Array.from({ length: size }, (_, index) => `child ${index + 1}`)
const children = names.map((name) => fork(new URL('children/accepts.ts', import.meta.url), [name]))

const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo // it listens on TCP

// Each child gets a descriptor of its own for the one socket, and with it the one queue of clients.
for (const child of children) {
  await child.send('server', { handle: server })
  for await (const { message } of child.messages()) if (message === 'accepting') break
}
server.close() // the parent's descriptor alone: the socket stays open in the children
console.log('children accept, the parent does not:', !server.listening)

// How many clients each child gets is up to the kernel: it wakes whom it likes, on an idle machine often the same.
const answers = await tally(20, () => askTcp(port))
const strangers = [...answers.keys()].filter((name) => !names.includes(name))
console.log('20 clients were served by children, by anybody else:', strangers.length)

await Promise.all(children.map((child) => child.stop()))
