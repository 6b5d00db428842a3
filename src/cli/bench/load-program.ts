// The program that makes a load: a process of its own, so that nothing else takes time from it, and the command stays small.
import type { Load, LoadMessage } from './load.ts'
import { Tally } from './tally.ts'
import { behaveWell } from './well-behaved.ts'

/** Milliseconds between two looks at whether the time is over. */
const lookEvery = 20
/** Seconds until a request is given up. */
const patience = 10

async function main(load: Load): Promise<void> {
  const { default: autocannon } = await import('autocannon')
  const tally = new Tally()
  const { url, connections, pipelining, method, body } = load
  const run = autocannon({
    url,
    connections,
    pipelining,
    method,
    headers: load.short ? { ...load.headers, connection: 'close' } : { ...load.headers },
    ...(body === undefined ? {} : { body }),
    duration: load.duration / 1000,
    timeout: patience,
    sampleInt: lookEvery,
    setupClient: (client) => behaveWell(client, tally),
  })
  const began = performance.now()
  const ticks = setInterval(() => tell({ type: 'tick', tick: tally.tick(performance.now() - began) }), 1000)
  // Ctrl-C reaches the whole foreground; the command, which gets it too, waits for what there is.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => run.stop())
  process.on('message', () => run.stop())
  process.on('disconnect', () => process.exit(1)) // nobody is there to be told
  const halfway = setTimeout(() => tell({ type: 'halfway' }), load.duration / 2)
  await run
  clearInterval(ticks)
  clearTimeout(halfway)
  tell({ type: 'done', result: tally.result(performance.now() - began) }, () => process.exit(0))
}

function tell(message: LoadMessage, done?: () => void): void {
  process.send?.(message, undefined, undefined, done)
}

process.once('message', (load: Load) => void main(load))
