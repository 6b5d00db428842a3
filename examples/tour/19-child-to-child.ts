// Two children talk to each other directly: their parent makes them a connection, gives both their end, and is out of it.
import { fork, introduce } from 'brood/process'

const module = new URL('children/talks-to-sibling.ts', import.meta.url)
await using reader = fork(module, ['reader'])
await using counter = fork(module, ['counter'])

await introduce(reader, counter, { names: ['reader', 'counter'] })

// What they say is not seen here; only what they tell their parent.
for await (const { message } of reader.messages()) console.log('reader:', message)
console.log('codes', (await reader.exit).code, (await counter.exit).code)
