// What people write about readiness and liveness, and what a wrong one should have been.
import * as v from 'valibot'
import { keyed } from './keyed.ts'
import { choice, probeAdvice, probeText, text, time, whole } from './written.ts'

const readyChoices = ['listening', 'message', 'spawn'] as const

const port = whole(1, 65_535)
const host = text('write a host')

const probe = v.union(
  [
    probeText,
    v.variant(
      'type',
      [
        keyed("{ type: 'http', path }", {
          type: v.literal('http'),
          path: v.pipe(v.string(), v.startsWith('/', 'write a path that begins with /')),
          host: v.optional(host),
          port: v.optional(port),
        }),
        keyed("{ type: 'tcp', port }", { type: v.literal('tcp'), host: v.optional(host), port }),
      ],
      'choose one of http, tcp',
    ),
  ],
  probeAdvice,
)

const ownPath = v.pipe(
  v.string('write a path such as /healthz'),
  v.startsWith('/', 'write a path such as /healthz'),
)

export const ready = v.union(
  [
    choice(readyChoices),
    probeText,
    keyed("{ on: 'listening', timeout: '30s' }", {
      on: v.optional(choice([...readyChoices, 'probe'])),
      timeout: v.optional(time()),
      settle: v.optional(time()),
      path: v.optional(ownPath),
      probe: v.optional(probe),
      every: v.optional(time(10)),
    }),
  ],
  `choose one of ${readyChoices.join(', ')}, or ${probeAdvice}`,
)

export const live = v.union(
  [
    probeText,
    keyed("{ path: '/healthz', every: '10s' }", {
      path: v.optional(ownPath),
      probe: v.optional(probe),
      every: v.optional(time(10)),
      timeout: v.optional(time(1)),
      failures: v.optional(whole(1)),
    }),
  ],
  probeAdvice,
)
