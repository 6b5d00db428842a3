// A worker must be online and listen in time: one timer each, started by fork and stopped by the event.

import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import cluster from 'brood/cluster'
import { fork } from 'brood/process'

/** Settles with what the worker did in time, or ends it. */
async function started(worker: Worker, event: 'online' | 'listening', within: number): Promise<string> {
  try {
    await once(worker, event, { signal: AbortSignal.timeout(within) })
    return `worker ${worker.id} is ${event}`
  } catch {
    // It hangs, so nothing that it would have to do itself will end it.
    worker.process.kill('SIGKILL')
    await once(worker, 'exit')
    return `worker ${worker.id} was not ${event} in time, and was ended`
  }
}

if (cluster.isPrimary) {
  const good = cluster.fork()
  console.log(await started(good, 'online', 10_000))
  console.log(await started(good, 'listening', 10_000))

  // Online comes from Node, before the program begins: it tells that there is a process, not that it works.
  const hanging = cluster.fork({ HANGS: 'yes' })
  console.log(await started(hanging, 'online', 10_000))
  console.log(await started(hanging, 'listening', 500))
  good.disconnect()

  // brood/process has it as an option: the first message must come in time.
  const child = fork(new URL('children/says-nothing.ts', import.meta.url), [], { startTimeout: 300 })
  console.log(`a silent child was ended by ${(await child.exit).askedBy}`)
} else {
  while (process.env.HANGS) {
    // for ever
  }
  createServer().listen(0, '127.0.0.1')
}
