// Guards its workers: when one exits, another takes its place; but not for ever, when none of them lives.
import { once } from 'node:events'
import cluster from 'brood/cluster'
import { askHttp } from './ask.ts'

const [maxRestarts, within] = [3, 10_000]

if (cluster.isWorker && process.env.BROKEN) throw new Error('a worker that cannot even start')
if (cluster.isWorker) await import('./children/web.ts') // a program of its own, which knows nothing of this one
if (cluster.isPrimary) {
  cluster.setupPrimary({ silent: true })
  const restarts: number[] = []
  let environment = {}
  cluster.on('exit', (worker, code, signal) => {
    console.log(`worker ${worker.id} ended: code ${code}, signal ${signal}`)
    if (worker.exitedAfterDisconnect) return
    // A worker that dies at once would be forked without end, and the machine would do nothing else.
    restarts.push(performance.now())
    if (restarts.filter((time) => time > performance.now() - within).length > maxRestarts) {
      return console.log(`more than ${maxRestarts} restarts within ${within / 1000} s: given up`)
    }
    cluster.fork(environment)
  })

  const [{ port }] = await once(cluster.fork(), 'listening')
  console.log('before:', await askHttp(port))

  const replaced = once(cluster, 'listening')
  const cut = askHttp(port, '/crash').catch((error: NodeJS.ErrnoException) => error.code)
  const [second, { port: next }] = await replaced
  // Guarding keeps a service up, not a request whole.
  console.log(`the client of worker 1 got ${await cut}`)
  console.log(`after: ${await askHttp(next)}, from worker ${second.id}`)

  environment = { BROKEN: 'yes' } // and now a release that is broken
  second.process.kill('SIGKILL')
}
