// A balancing algorithm at work: with least-connections a worker that joins late gets every client until it has caught up.
import { once } from 'node:events'
import { Agent, createServer } from 'node:http'
import cluster from 'brood/cluster'
import { askHttp } from './ask.ts'

if (cluster.isPrimary) {
  cluster.schedulingPolicy = 'least-connections' // before the first fork
  const agents: Agent[] = []

  async function fork(): Promise<number> {
    const [{ port }] = await once(cluster.fork(), 'listening')
    return port
  }
  /** A client that stays connected, as one with a WebSocket does. */
  async function join(port: number): Promise<string> {
    const agent = new Agent({ keepAlive: true })
    agents.push(agent)
    return askHttp(port, '/', agent)
  }

  await fork()
  const port = await fork()
  for (let client = 1; client <= 6; client++) console.log(`client ${client} is with ${await join(port)}`)
  await fork()
  // In turn, the new worker would get every third, and stay the idlest for long.
  for (let client = 7; client <= 9; client++) console.log(`client ${client} is with ${await join(port)}`)

  for (const agent of agents) agent.destroy()
  cluster.disconnect()
} else {
  createServer((_request, response) => response.end(`worker ${cluster.worker?.id}`)).listen(0, '127.0.0.1')
}
