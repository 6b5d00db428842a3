// A primary with three workers that tell who they are; its parent asks it for the port.
import { once } from 'node:events'
import { createServer } from 'node:http'
import cluster from 'brood/cluster'
import { type Protocol, parentAs } from 'brood/process'

export interface ThreeWorkers extends Protocol {
  childAnswers: { port(): number }
}

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork(), cluster.fork()]
  Object.assign(workers[0] ?? {}, { weight: 2 }) // for the policy 'weighted' alone
  const listening = Promise.all(workers.map((worker) => once(worker, 'listening')))
  const parent = parentAs<ThreeWorkers>()
  parent.answer('port', async () => (await listening)[0]?.[0].port)
  // Without their primary the workers end too.
  await parent.disconnected
  cluster.disconnect()
} else {
  createServer((_request, response) => response.end(`worker ${cluster.worker?.id}`)).listen(0, '127.0.0.1')
}
