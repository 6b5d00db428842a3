// Talks with its parent in all the ways a child can, as tests ask it to.
import { Server, Socket } from 'node:net'
import { parentAs, peer } from '../../../src/process/index.ts'
import type { Talk } from './talk.ts'

const parent = parentAs<Talk>()
const http = process.getBuiltinModule('node:http')

parent.answer('echo', (value) => value)
parent.answer('fail', (message) => {
  throw Object.assign(new RangeError(message), { code: 'E_TEST' })
})
parent.answer('wait', async (_, { signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await parent.send('the handler was aborted')
})
parent.answer('say', async (count) => {
  for (let number = 0; number < count; number++) await parent.send(number)
})
parent.answer('ask', (value) => parent.request('double', value))
parent.answer('loop', () => {
  for (;;);
})
parent.answer('exit', (code) => process.exit(code))
parent.answer('unanswerable', () => 1n)
parent.answer('serve', (_, { handle }) => {
  if (!(handle instanceof Server)) return `not a server: ${handle?.constructor.name}`
  http.createServer((_request, response) => response.end(`child ${process.pid}`)).listen(handle)
  return 'serving'
})
parent.answer('greet', (text, { handle }) => {
  if (!(handle instanceof Socket)) return `not a socket: ${handle?.constructor.name}`
  handle.end(`${text} from ${process.pid}`)
  return 'greeted'
})
parent.answer('datagram', (_, { handle }) => {
  if (handle === undefined || !('address' in handle) || !('send' in handle)) return 'no datagram socket'
  const { port } = handle.address()
  handle.close()
  return port
})

parent.answer('meet', async (name) => {
  const other = await peer<string, string>(name)
  // In the background: the answer says that they have met.
  const listen = async (): Promise<void> => {
    for await (const message of other.messages()) {
      if (message.startsWith('ping')) await other.send(message.replace('ping', 'pong'))
      else await parent.send(message)
    }
    await parent.send(`${name} is gone`)
  }
  listen().catch((error) => parent.send(`${name} broke: ${error.message}`))
  parent.answer('tell', (text) => other.send(text))
  return 'met'
})
