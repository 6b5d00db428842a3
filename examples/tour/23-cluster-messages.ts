// The primary and its workers send each other messages; worker.id tells who is who.
import { once } from 'node:events'
import cluster from 'brood/cluster'

if (cluster.isPrimary) {
  const [first, second] = [cluster.fork(), cluster.fork()]
  await Promise.all([once(first, 'online'), once(second, 'online')])
  // The keys of cluster.workers are the ids.
  console.log('workers:', Object.keys(cluster.workers ?? {}), cluster.workers?.[first.id] === first)

  const send = async (message: string): Promise<void> => {
    first.send(message)
    const [answer] = await once(first, 'message')
    console.log('primary got:', answer)
  }
  await send('hello worker')
  await send('who are you?')

  // To all, one after the other, so that the answers have an order. cluster.on('message') hears every worker.
  for (const worker of Object.values(cluster.workers ?? {})) {
    worker?.send('broadcast')
    const [from, message] = await once(cluster, 'message')
    console.log(`worker ${from.id}:`, message)
  }
  cluster.disconnect()
} else {
  process.on('message', (message: string) => {
    // worker.send and process.send are the same.
    if (message === 'who are you?') cluster.worker?.send(`I am ${cluster.worker.id}`)
    else process.send?.(`you said: ${message}`)
  })
}
