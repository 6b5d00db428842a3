// A cluster as programs write it, told by its arguments: policy, workers; answers with the worker's id and pid.
import { createServer } from 'node:http'
import cluster from 'brood/cluster'

if (cluster.isPrimary) {
  const [policy = 'SCHED_RR', workers = '2'] = process.argv.slice(2)
  cluster.schedulingPolicy = cluster[policy] ?? policy
  for (const event of ['fork', 'online', 'listening', 'disconnect', 'exit']) {
    cluster.on(event, (worker, ...args) =>
      process.send?.({ event, id: worker.id, pid: worker.process.pid, state: worker.state, args }),
    )
  }
  process.on('message', (message) => {
    if (message === 'disconnect') cluster.disconnect(() => process.send({ event: 'disconnected' }))
    if (message === 'fork') cluster.fork()
    if (typeof message === 'object' && 'kill' in message)
      cluster.workers[message.kill].process.kill('SIGKILL')
  })
  process.on('disconnect', () => process.exit())
  if (process.env.OUTLIVE) cluster.setupPrimary({ outlivePrimary: true })
  for (let count = 0; count < Number(workers); count++) cluster.fork()
} else {
  createServer((_request, response) => {
    response.setHeader('x-pid', process.pid)
    response.end(JSON.stringify({ id: cluster.worker.id, execArgv: process.execArgv }))
  }).listen(Number(process.env.PORT ?? 0), '127.0.0.1')
}
