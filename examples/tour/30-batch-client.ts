// A client that asks n times and counts who answered: `node 30-batch-client.ts 3000 50`, or without arguments a demo.
import { fork } from 'brood/process'
import { askHttp, tally } from './ask.ts'
import type { ThreeWorkers } from './children/three-workers.ts'

const [port, times = '30'] = process.argv.slice(2)

if (port === undefined) {
  await using primary = fork<ThreeWorkers>(new URL('children/three-workers.ts', import.meta.url))
  await ask(await primary.request('port', undefined), Number(times))
} else {
  await ask(Number(port), Number(times))
}

async function ask(port: number, times: number): Promise<void> {
  // Each request on a new connection: over a kept one, the same worker would answer them all.
  const answers = await tally(times, () => askHttp(port))
  for (const [name, count] of [...answers].sort()) console.log(`${name.trim()} answered ${count} times`)
}
