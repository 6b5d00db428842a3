// Primary and workers in one file: cluster.isPrimary tells which this process is, and all workers share one port.
import { once } from 'node:events'
import { createServer } from 'node:http'
import cluster from 'brood/cluster'
import { askHttp, tally } from './ask.ts'

if (cluster.isPrimary) {
  // One for each processor is usual: availableParallelism() of node:os.
  const workers = [cluster.fork(), cluster.fork(), cluster.fork()]
  const listening = await Promise.all(workers.map((worker) => once(worker, 'listening')))
  const ports = new Set<number>(listening.map(([{ port }]) => port))
  console.log(`${workers.length} workers on ${ports.size} port`)

  const [port = 0] = ports
  const answers = await tally(9, () => askHttp(port))
  for (const name of [...answers.keys()].sort()) console.log(name)

  await new Promise<void>((done) => cluster.disconnect(done))
  console.log('workers left:', Object.keys(cluster.workers ?? {}).length)
} else {
  // No EADDRINUSE: listen() asks the primary, which has bound the port once for all of them.
  createServer((_request, response) => response.end(`worker ${cluster.worker?.id}`)).listen(0, '127.0.0.1')
}
