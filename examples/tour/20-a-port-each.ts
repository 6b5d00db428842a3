// The other way to build a cluster: every child listens on a port of its own, behind a reverse proxy.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'
import { fork } from 'brood/process'
import { askHttp, tally } from './ask.ts'

const children = ['child 1', 'child 2', 'child 3'].map((name) =>
  fork<{ childAnswers: { port(): number } }>(new URL('children/own-port.ts', import.meta.url), [name]),
)
const ports = await Promise.all(children.map((child) => child.request('port', undefined)))
console.log('as many ports as children:', new Set(ports).size)

// Every byte is copied twice by this process; in exchange the children may be of any language and on any machine.
let turn = 0
const proxy = createServer((client) => {
  const server = connect(ports[turn++ % ports.length] ?? 0, '127.0.0.1')
  // A client that leaves, or a child that dies, ends the pair; neither is a fault of the proxy.
  pipeline(client, server, client, () => {})
})
proxy.listen(0, '127.0.0.1')
await once(proxy, 'listening')
const { port } = proxy.address() as AddressInfo // it listens on TCP

for (const [name, count] of await tally(9, () => askHttp(port))) console.log(`${name}: ${count}`)

proxy.close()
await Promise.all(children.map((child) => child.stop()))
