// Tells whether a worker's end was wanted: exitedAfterDisconnect, after every way to end one.
import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import cluster from 'brood/cluster'

const ways: Record<string, (worker: Worker) => void> = {
  // Closes its servers, and ends when the last connection has.
  'worker.disconnect()': (worker) => worker.disconnect(),
  // Signals: the second cannot be refused, for a worker that hangs. Nothing tells that they were meant.
  'worker.kill()': (worker) => worker.kill(),
  "worker.process.kill('SIGKILL')": (worker) => void worker.process.kill('SIGKILL'),
  // From inside: the first is a disconnect, the second a signal like any other.
  'cluster.worker.kill() in the worker': (worker) => worker.send('go'),
  'process.kill(process.pid) in the worker': (worker) => worker.send('die'),
}

if (cluster.isPrimary) {
  cluster.on('disconnect', (worker) => {
    if (worker.isConnected()) throw new Error('disconnected, and yet connected')
  })
  for (const [way, end] of Object.entries(ways)) {
    const worker = cluster.fork()
    await once(worker, 'listening')
    // Either event may come first.
    const over = Promise.all([once(worker, 'exit'), once(worker, 'disconnect')])
    end(worker)
    const [[code, signal]] = await over
    console.log(`${way}: ${worker.exitedAfterDisconnect ? 'wanted' : 'start another'}`)
    console.log(`  code ${code}, signal ${signal}, is dead: ${worker.isDead()}`)
  }
} else {
  process.on('message', (message) => {
    if (message === 'go') cluster.worker?.kill()
    if (message === 'die') process.kill(process.pid)
  })
  createServer().listen(0, '127.0.0.1')
}
