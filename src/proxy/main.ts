// The proxy as a program of its own, for `brood start`: its route stands in its arguments, as `brood proxy` takes them.
import { parseArgs } from 'node:util'
import { BroodError, messageOf, systemCode } from '../kernel/errors.ts'
import { listenText } from './route.ts'
import { serve } from './serve.ts'
import { routeOf, usualCookie } from './written-route.ts'

/** Under brood everything has finished before SIGTERM comes, or its time is over. */
const grace = 10_000

const text = { type: 'string' } as const

try {
  const { values } = parseArgs({
    args: process.argv.slice(2).flatMap(withCookie),
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
  const isUsage = error instanceof BroodError && error.code === 'usage'
  const isUnknownOption = systemCode(error)?.startsWith('ERR_PARSE_ARGS') === true
  if (!(error instanceof BroodError) && !isUnknownOption) throw error
  process.stderr.write(`brood proxy: ${messageOf(error)}\n`)
  process.exit(isUsage || isUnknownOption ? 2 : 1)
}

/** `--sticky` may stand alone, which `parseArgs` knows only of options without a value. */
function withCookie(word: string, index: number, words: readonly string[]): string[] {
  const next = words[index + 1]
  return word === '--sticky' && (next === undefined || next.startsWith('--')) ? [word, usualCookie] : [word]
}
