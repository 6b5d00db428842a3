// The proxy as a program of its own, for `brood start`: its route stands in its arguments, as `brood proxy` takes them.
import { parseArgs } from 'node:util'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { listenText } from './route.ts'
import { serve } from './serve.ts'
import { routeOf } from './written-route.ts'

/** Under brood everything has finished before SIGTERM comes, or its time is over. */
const grace = 10_000

const text = { type: 'string' } as const

try {
  const { values } = parseArgs({
    options: {
      listen: text,
      to: { type: 'string', multiple: true },
      mode: text,
      balance: text,
      weights: text,
      sticky: text,
      trust: { type: 'boolean' },
      'connect-timeout': text,
      'idle-timeout': text,
    },
  })
  const { 'connect-timeout': connectTimeout, 'idle-timeout': idleTimeout, ...rest } = values
  const route = routeOf({ ...rest, connectTimeout, idleTimeout })
  const { ended } = await serve(route, grace)
  console.log(`listening on ${listenText(route.listen)}`)
  await ended
  process.exit()
} catch (error) {
  process.stderr.write(`brood proxy: ${messageOf(error)}\n`)
  process.exit(error instanceof BroodError && error.code !== 'usage' ? 1 : 2)
}
