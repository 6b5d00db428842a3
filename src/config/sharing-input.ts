// What people write about how workers share an address, and what a wrong one should have been.
import * as v from 'valibot'
import { balancerNames } from '../balance/index.ts'
import { keyed } from './keyed.ts'
import { choice, flag, text, whole, workers } from './written.ts'

export const balance = v.union(
  [
    choice(balancerNames),
    keyed("{ algorithm: 'weighted', weights: [3, 1] }", {
      algorithm: choice(balancerNames),
      weights: v.optional(
        v.array(
          v.pipe(v.number('write a number'), v.gtValue(0, 'write a number above 0')),
          'write a list of numbers, one for each slot',
        ),
      ),
    }),
  ],
  `choose one of ${balancerNames.join(', ')}, or write { algorithm, weights }`,
)

const cookieAdvice = 'write the name of a cookie, or true'

const workerPort = whole(1, 65_535)

export const ports = v.union(
  [
    workerPort,
    keyed("{ from: 4000, host: '127.0.0.1' }", {
      from: v.optional(workerPort),
      host: v.optional(text('write an address of this machine')),
    }),
  ],
  "write the first worker's port, or { from, host }",
)

const proxyMode = choice(['http', 'tcp'])

export const proxy = v.union(
  [
    v.literal(false),
    proxyMode,
    keyed("{ mode: 'http', sticky: true }", {
      mode: v.optional(proxyMode),
      workers: v.optional(workers),
      sticky: v.optional(
        v.union(
          [flag(), v.pipe(v.string(cookieAdvice), v.regex(/^[\w!#$%&'*+\-.^`|~]+$/, cookieAdvice))],
          cookieAdvice,
        ),
      ),
      trust: v.optional(flag()),
    }),
  ],
  'choose http or tcp, write false for none, or { mode, workers, sticky }',
)
