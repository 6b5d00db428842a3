// An exception that nobody caught: the worker reports it to the primary and ends, and another one takes its place.
import { once } from 'node:events'
import { createServer } from 'node:http'
import cluster from 'brood/cluster'
import { askHttp } from './ask.ts'

if (cluster.isPrimary) {
  cluster.on('message', (worker, { name, message, stack }: Error) => {
    console.log(`worker ${worker.id} reports ${name}: ${message}, with ${stack ? 'its' : 'no'} stack`)
  })
  cluster.on('exit', async (worker, code) => {
    // The last words of a dead process may still be on their way.
    if (worker.isConnected()) await once(worker, 'disconnect')
    console.log(`worker ${worker.id} ended with code ${code}`)
    if (!worker.exitedAfterDisconnect) cluster.fork()
  })

  const [{ port }] = await once(cluster.fork(), 'listening')
  console.log(await askHttp(port))
  const replaced = once(cluster, 'listening')
  const cut = askHttp(port, '/users/none').catch((error: NodeJS.ErrnoException) => error.code)
  const [, { port: next }] = await replaced
  console.log(`the client got ${await cut}`)
  console.log(await askHttp(next))
  cluster.disconnect()
} else {
  // After such an error nobody knows what state the program is in. So: say why, and end; never go on.
  process.on('uncaughtException', ({ name, message, stack }) => {
    process.send?.({ name, message, stack }, () => process.exit(1))
  })
  createServer((request, response) => {
    if (request.url !== '/') throw new RangeError(`there is no ${request.url}`)
    response.end(`fine, says worker ${cluster.worker?.id}`)
  }).listen(0, '127.0.0.1')
}
