// What people write about one app: every field of its description in a friendly form, and what a wrong one should have been.
import * as v from 'valibot'
import { appSpec, hookEvents, mostWorkers } from './app-spec.ts'
import { type Keyed, keyed, noList } from './keyed.ts'
import { live, ready } from './probes-input.ts'
import { balance, ports, proxy } from './sharing-input.ts'
import {
  account,
  choice,
  flag,
  fraction,
  longTime,
  oneOrMany,
  processors,
  signal,
  size,
  text,
  time,
  variables,
  whole,
  workers,
} from './written.ts'

const path = text('write a path')
const texts = v.array(v.string('write a text'), 'write a list of texts')
const policies = ['permanent', 'transient', 'temporary'] as const

const restart = v.union(
  [
    choice(policies),
    keyed("{ policy: 'permanent', intensity: 5, period: '10s' }", {
      policy: v.optional(choice(policies)),
      intensity: v.optional(whole(0, 1_000_000)),
      period: v.optional(time()),
      backoff: v.optional(
        keyed("{ from: '100ms', to: '30s' }", {
          from: v.optional(time()),
          to: v.optional(time()),
          jitter: v.optional(fraction),
        }),
      ),
      stopExitCodes: v.optional(v.array(whole(0, 255), 'write a list of exit codes')),
    }),
  ],
  `choose one of ${policies.join(', ')}, or write { policy, intensity, period, backoff, stopExitCodes }`,
)

const reload = keyed("{ parallel: 1, canary: '10s' }", {
  parallel: v.optional(whole(1, mostWorkers)),
  canary: v.optional(
    v.union(
      [time(), keyed("{ watch: '10s' }", { watch: time(), maxErrorRate: v.optional(fraction) })],
      "write a time such as '10s', or { watch: '10s', maxErrorRate: 0.05 }",
    ),
  ),
})

const watchAdvice = 'write true, a path, a list of paths, or { paths, ignore, debounce }'

const watch = v.union(
  [
    flag(),
    oneOrMany(path, watchAdvice),
    keyed("{ paths: ['src'], ignore: ['*.log'] }", {
      paths: v.optional(oneOrMany(path, 'write a path or a list of paths')),
      ignore: v.optional(texts),
      debounce: v.optional(time()),
    }),
  ],
  watchAdvice,
)

const outputs = ['files', 'inherit'] as const

const logs = v.union(
  [
    choice(outputs),
    keyed("{ format: 'json', rotate: { size: '10MB', keep: 5 } }", {
      to: v.optional(choice(outputs)),
      format: v.optional(choice(['raw', 'text', 'json'])),
      rotate: v.optional(
        keyed("{ size: '10MB', every: '1d', keep: 5 }", {
          size: v.optional(size(0)),
          every: v.optional(longTime(0)),
          keep: v.optional(whole(1)),
          gzip: v.optional(flag()),
        }),
      ),
    }),
  ],
  "choose one of files, inherit, or write { format: 'json', rotate: { size: '10MB' } }",
)

const postAdvice = 'write a web address such as https://example.com/hook'

export const hooks = v.array(
  v.pipe(
    keyed("{ on: 'crash', run: 'a command' }", {
      on: oneOrMany(choice(hookEvents), `choose from ${hookEvents.join(', ')}`),
      run: v.optional(text('write a command')),
      post: v.optional(v.pipe(v.string(postAdvice), v.url(postAdvice), v.regex(/^https?:/, postAdvice))),
    }),
    v.check(
      ({ on }) => !Array.isArray(on) || on.length > 0,
      `needs an event: choose from ${hookEvents.join(', ')}`,
    ),
    v.check(({ run, post }) => (run === undefined) !== (post === undefined), "needs either 'run' or 'post'"),
  ),
  "write a list, such as [{ on: 'crash', run: 'a command' }]",
)

const envFile = v.union(
  [path, keyed("{ path: '.env', optional: true }", { path, optional: v.optional(flag()) })],
  'write a path, or { path, optional: true }',
)

const envsAdvice = "write { production: { LOG_LEVEL: 'warn' } }"

const appEntries = {
  name: v.optional(v.string("write a name such as 'web'")),
  script: path,
  args: v.optional(texts),
  nodeArgs: v.optional(texts),
  interpreter: v.optional(
    text("write a program such as python3, or 'none' for a script that is a program itself"),
  ),
  cwd: v.optional(path),
  env: v.optional(variables),
  envFile: v.optional(oneOrMany(envFile, 'write a path, a list of paths, or { path, optional: true }')),
  envs: v.optional(noList(v.record(v.string(), variables, envsAdvice), envsAdvice)),
  uid: v.optional(account),
  gid: v.optional(account),
  nice: v.optional(whole(-20, 19)),
  limits: v.optional(
    keyed("{ cpu: 1.5, memory: '1GB' }", { cpu: v.optional(processors), memory: v.optional(size()) }),
  ),
  workers: v.optional(workers),
  maxWorkers: v.optional(whole(1, mostWorkers)),
  port: v.optional(whole(0, 65_535)),
  share: v.optional(choice(appSpec.entries.share.wrapped.options)),
  balance: v.optional(balance),
  ports: v.optional(ports),
  proxy: v.optional(proxy),
  rebalance: v.optional(flag()),
  ready: v.optional(ready),
  live: v.optional(live),
  watchdog: v.optional(v.union([v.literal(false), time()], 'write a time such as 10s, or false for none')),
  stop: v.optional(
    keyed("{ signal: 'SIGTERM', grace: '10s' }", { signal: v.optional(signal), grace: v.optional(time()) }),
  ),
  restart: v.optional(restart),
  maxMemory: v.optional(size()),
  maxRequests: v.optional(whole(1)),
  maxAge: v.optional(longTime(1)),
  cron: v.optional(text("write a cron pattern such as '0 3 * * *'")),
  renewJitter: v.optional(fraction),
  reload: v.optional(reload),
  dependsOn: v.optional(oneOrMany(text('write the name of an app'), 'write a name or a list of names')),
  watch: v.optional(watch),
  logs: v.optional(logs),
  hooks: v.optional(hooks),
}

export const appInput: Keyed<typeof appEntries> = keyed(
  "an app such as { script: './server.js' }",
  appEntries,
)

/** An app as people write it. */
export type AppInput = v.InferInput<typeof appInput>

/** The same, checked: times are milliseconds, sizes bytes, probes objects; short forms are still short. */
export type CheckedApp = v.InferOutput<typeof appInput>
