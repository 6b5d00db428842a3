// HTTP by parent and children on one port: a bare TCP server is passed, and every process serves HTTP on it.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { fork } from 'brood/process'
import { askHttp, tally } from './ask.ts'

const listener = createServer().listen(0, '127.0.0.1')
await once(listener, 'listening')
const { port } = listener.address() as AddressInfo // it listens on TCP

const names = ['child 1', 'child 2']
const children = names.map((name) => fork(new URL('children/http-on-a-server.ts', import.meta.url), [name]))
for (const child of children) await child.request('serve', undefined, { handle: listener })

const own = createHttpServer((_request, response) => response.end('parent')).listen(listener)
const together = await tally(10, () => askHttp(port))
console.log('10 requests to parent and children, answered:', total(together))

own.close() // takes the listener with it: from now on the children are alone
const alone = await tally(10, () => askHttp(port))
console.log(
  '10 requests to the children, answered:',
  total(alone),
  'by the parent:',
  alone.get('parent') ?? 0,
)

await Promise.all(children.map((child) => child.stop()))

function total(answers: Map<string, number>): number {
  return [...answers.values()].reduce((sum, count) => sum + count, 0)
}
