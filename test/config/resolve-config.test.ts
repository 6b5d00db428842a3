// A configuration becomes descriptions of apps; what makes no sense is refused with its file, its field and what to write.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import fc from 'fast-check'
import * as v from 'valibot'
import type { AppInput } from '../../src/config/app-input.ts'
import { type AppSpec, appSpec, hookEvents, mostWorkers } from '../../src/config/app-spec.ts'
import { fileOrigin } from '../../src/config/origin.ts'
import { type Choices, resolveConfig } from '../../src/config/resolve-config.ts'
import { defaultShareMode } from '../../src/config/share-mode.ts'
import { BroodError, type ErrorCode } from '../../src/kernel/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'brood-resolve-'))
after(() => rmSync(folder, { recursive: true }))
for (const name of ['web.js', 'job.py', 'job.sh', 'plain', 'data.txt']) writeFileSync(join(folder, name), '')
for (const [name, text] of Object.entries({
  tool: '#!/bin/sh\n',
  launcher: '#!/usr/bin/env node\n',
  binary: '\x7fELF',
})) {
  writeFileSync(join(folder, name), text)
  chmodSync(join(folder, name), 0o755)
}
mkdirSync(join(folder, 'src'))
mkdirSync(join(folder, 'bin'))
writeFileSync(join(folder, 'bin/py'), '', { mode: 0o755 })
writeFileSync(join(folder, '.env'), 'A=file\nB="from file"\nC=file\n')
writeFileSync(join(folder, '.env.more'), 'B=more\n')
writeFileSync(join(folder, '.env.windows'), '\uFEFFFIRST=1\r\nSECOND=2\r\n')

const origin = fileOrigin(join(folder, 'brood.config.json'))
const resolved = (input: unknown, choices: Partial<Choices> = {}): AppSpec[] =>
  resolveConfig(input, origin, { environment: {}, ...choices })

/** The one app, with these settings besides its script. */
function specOf(app: object, choices: Partial<Choices> = {}): AppSpec {
  const [spec] = resolved({ apps: [{ script: 'web.js', ...app }] }, choices)
  assert.ok(spec)
  return spec
}

const usual: AppSpec = {
  name: 'web',
  script: join(folder, 'web.js'),
  args: [],
  nodeArgs: [],
  cwd: folder,
  env: {},
  workers: 1,
  maxWorkers: 64,
  share: defaultShareMode,
  rebalance: false,
  ready: { on: 'listening', timeout: 30_000, settle: 250, every: 250 },
  watchdog: 30_000,
  stop: { signal: 'SIGTERM', grace: 10_000 },
  restart: {
    policy: 'permanent',
    intensity: 5,
    period: 10_000,
    backoff: { from: 100, to: 30_000, jitter: 0 },
    stopExitCodes: [],
  },
  renew: { jitter: 0.1 },
  reload: { parallel: 1 },
  dependsOn: [],
  logs: { to: 'files', format: 'raw', rotate: { size: 0, every: 0, keep: 10, gzip: true } },
  hooks: [],
}

suite('an app', () => {
  test('of a script alone has every default', () => assert.deepEqual(specOf({}), usual))

  const rotate = usual.logs.rotate
  const forms: [written: AppInput | object, becomes: Partial<AppSpec>][] = [
    [{ name: 'shop' }, { name: 'shop' }],
    [{ workers: 4 }, { workers: 4 }],
    [{ workers: 'max' }, { workers: availableParallelism() }],
    [{ workers: 100 }, { workers: 100, maxWorkers: 100 }],
    [{ cwd: 'src' }, { cwd: join(folder, 'src') }],
    [
      { port: 3000, share: 'shared' },
      { port: 3000, share: 'shared' },
    ],
    [
      { args: ['a'], nodeArgs: ['--enable-source-maps'] },
      { args: ['a'], nodeArgs: ['--enable-source-maps'] },
    ],
    [{ env: { A: 'x', B: 1, C: true, D: null, E: undefined } }, { env: { A: 'x', B: '1', C: 'true' } }],
    [{ ready: 'message' }, { ready: { ...usual.ready, on: 'message' } }],
    [
      { ready: { timeout: '1m', settle: 0, every: '1s' } },
      { ready: { on: 'listening', timeout: 60_000, settle: 0, every: 1000 } },
    ],
    [
      { ready: '/up' },
      { ready: { ...usual.ready, on: 'probe', probe: { type: 'http', path: '/up', host: '127.0.0.1' } } },
    ],
    [
      { ready: { on: 'probe', path: '/up' } },
      { ready: { ...usual.ready, on: 'probe', probe: { type: 'http', path: '/up', host: '127.0.0.1' } } },
    ],
    [
      { ready: { probe: { type: 'tcp', port: 80 } } },
      { ready: { ...usual.ready, on: 'probe', probe: { type: 'tcp', host: '127.0.0.1', port: 80 } } },
    ],
    [
      { live: 'http://[::1]:3000/a?b' },
      {
        live: {
          probe: { type: 'http', host: '::1', port: 3000, path: '/a?b' },
          every: 10_000,
          timeout: 5000,
          failures: 3,
        },
      },
    ],
    [
      { live: { path: '/up', every: '1s', timeout: '100ms', failures: 1 } },
      {
        live: {
          probe: { type: 'http', path: '/up', host: '127.0.0.1' },
          every: 1000,
          timeout: 100,
          failures: 1,
        },
      },
    ],
    [
      { live: 'tcp:db:5432' },
      { live: { probe: { type: 'tcp', host: 'db', port: 5432 }, every: 10_000, timeout: 5000, failures: 3 } },
    ],
    [{ watchdog: false }, { watchdog: 0 }],
    [{ watchdog: '5s' }, { watchdog: 5000 }],
    [{ stop: { signal: 'int', grace: 500 } }, { stop: { signal: 'SIGINT', grace: 500 } }],
    [{ restart: 'temporary' }, { restart: { ...usual.restart, policy: 'temporary' } }],
    [
      { restart: { backoff: { from: '1s', jitter: 0.5 }, stopExitCodes: [0, 3] } },
      {
        restart: {
          ...usual.restart,
          backoff: { from: 1000, to: 30_000, jitter: 0.5 },
          stopExitCodes: [0, 3],
        },
      },
    ],
    [
      { maxMemory: '512MB', maxRequests: 10_000, maxAge: '7d', cron: '0 3 * * *', renewJitter: 0 },
      {
        renew: {
          maxMemory: 512_000_000,
          maxRequests: 10_000,
          maxAge: 604_800_000,
          cron: '0 3 * * *',
          jitter: 0,
        },
      },
    ],
    [
      { reload: { parallel: 2, canary: '10s' } },
      { reload: { parallel: 2, canary: { watch: 10_000, maxErrorRate: 0.05 } } },
    ],
    [
      { reload: { canary: { watch: 1, maxErrorRate: 0.5 } } },
      { reload: { parallel: 1, canary: { watch: 1, maxErrorRate: 0.5 } } },
    ],
    [{ dependsOn: 'tcp:db:5432' }, { dependsOn: ['tcp:db:5432'] }],
    [{ watch: false }, {}],
    [
      { watch: true, cwd: 'src' },
      { cwd: join(folder, 'src'), watch: watched(join(folder, 'src')) },
    ],
    [{ watch: 'src' }, { watch: watched(join(folder, 'src')) }],
    [{ watch: ['src', 'web.js'] }, { watch: watched(join(folder, 'src'), join(folder, 'web.js')) }],
    [
      { watch: { ignore: ['*.log'], debounce: '1s' } },
      { watch: { paths: [folder], ignore: ['node_modules', '.git', '*.log'], debounce: 1000 } },
    ],
    [{ logs: 'inherit' }, { logs: { to: 'inherit', format: 'raw', rotate } }],
    [
      { logs: { format: 'json', rotate: { size: '10MiB', every: '1d', keep: 3, gzip: false } } },
      {
        logs: {
          to: 'files',
          format: 'json',
          rotate: { size: 10_485_760, every: 86_400_000, keep: 3, gzip: false },
        },
      },
    ],
    [{ hooks: [{ on: 'crash', run: 'x' }] }, { hooks: [{ on: ['crash'], run: 'x' }] }],
    [
      { hooks: [{ on: ['ready', 'failed'], post: 'https://a/b' }] },
      { hooks: [{ on: ['ready', 'failed'], post: 'https://a/b' }] },
    ],
    [
      { limits: { cpu: 1.5, memory: '1GiB' }, nice: -5 },
      { limits: { cpu: 1.5, memory: 2 ** 30 }, nice: -5 },
    ],
    [
      { uid: 'web', gid: 33 },
      { uid: 'web', gid: 33 },
    ],
    [{ interpreter: 'node' }, {}],
    [{ interpreter: 'bun' }, { interpreter: 'bun', ready: { ...usual.ready, on: 'spawn' } }],
    [
      { interpreter: './bin/py', ready: 'spawn' },
      { interpreter: join(folder, 'bin/py'), ready: { ...usual.ready, on: 'spawn' } },
    ],
  ]
  for (const [written, becomes] of forms) {
    test(`with ${JSON.stringify(written)}`, () => assert.deepEqual(specOf(written), { ...usual, ...becomes }))
  }

  const runners: [script: string, interpreter: string | undefined][] = [
    ['job.py', 'python3'],
    ['job.sh', 'sh'],
    ['tool', 'none'],
    ['binary', 'none'],
    ['launcher', undefined],
  ]
  for (const [script, interpreter] of runners) {
    test(`of ${script} is run by ${interpreter ?? 'Node'}`, () => {
      const spec = specOf({ script })
      assert.deepEqual(
        [spec.interpreter, spec.ready.on],
        [interpreter, interpreter === undefined ? 'listening' : 'spawn'],
      )
    })
  }

  test('is as the supervisor wants it, whatever was written', () => {
    const time = fc.oneof(
      fc.nat(86_400_000),
      fc.nat(86_400).map((seconds) => `${seconds}s`),
    )
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    const whole = fc.integer({ min: 1, max: mostWorkers })
    const maybe = { requiredKeys: [] }
    const app = fc.record(
      {
        name: fc.constantFrom('a', 'shop.web-1'),
        args: fc.array(fc.string()),
        env: fc.dictionary(
          fc.stringMatching(/^[A-Z_]{1,8}$/),
          fc.oneof(fc.constantFrom('x', ''), fc.integer(), fc.boolean(), fc.constant(null)),
        ),
        workers: fc.oneof(whole, fc.constant('max')),
        port: fc.nat(65_535),
        ready: fc.oneof(fc.constantFrom('message', '/up'), fc.record({ timeout: time, settle: time }, maybe)),
        live: fc.record({ path: fc.constant('/up'), failures: whole }),
        watchdog: fc.oneof(time, fc.constant(false)),
        stop: fc.record({ signal: fc.constantFrom('term', 'SIGINT'), grace: time }, maybe),
        restart: fc.record(
          {
            policy: fc.constantFrom('permanent', 'transient'),
            intensity: fc.nat(1_000_000),
            backoff: fc.record({ jitter: share }),
          },
          maybe,
        ),
        maxMemory: fc.integer({ min: 1 }),
        maxAge: fc.integer({ min: 1, max: 10 ** 10 }),
        renewJitter: share,
        reload: fc.record({ parallel: whole, canary: time }, maybe),
        watch: fc.oneof(fc.boolean(), fc.constant(['src'])),
        logs: fc.oneof(
          fc.constant('inherit'),
          fc.record({ rotate: fc.record({ size: fc.nat(), keep: whole }, maybe) }),
        ),
        hooks: fc.array(fc.record({ on: fc.constantFrom(...hookEvents), run: fc.constant('x') })),
        limits: fc.record({ cpu: fc.double({ min: 0.01, max: 64, noNaN: true }) }, maybe),
        nice: fc.integer({ min: -20, max: 19 }),
        uid: fc.oneof(fc.nat(), fc.constant('web')),
      },
      maybe,
    )
    fc.assert(
      fc.property(app, (written) => {
        const spec = specOf(written)
        assert.deepEqual(v.parse(appSpec, JSON.parse(JSON.stringify(spec))), spec)
      }),
    )
  })
})

function watched(...paths: string[]): AppSpec['watch'] {
  return { paths, ignore: ['node_modules', '.git'], debounce: 200 }
}

test('workers of two apps may have the same ports of different addresses', () => {
  const app = (name: string, host: string): AppInput => ({
    name,
    script: './web.js',
    ports: { from: 4000, host },
  })
  assert.equal(resolved({ apps: [app('a', '127.0.0.1'), app('b', '127.0.0.2')] }).length, 2)
})

suite('the layers of variables', () => {
  test('win over those before them: caller, files, env, the chosen layer, the command line', () => {
    const app = {
      envFile: ['.env', { path: '.env.more' }, { path: '.gone', optional: true }],
      env: { C: 'env', D: 'env', E: 'env' },
      envs: { production: { D: 'layer', E: 'layer' }, staging: { D: 'staging' } },
    }
    const environment = { CALLER: '1', A: 'caller', NOT: undefined }
    assert.deepEqual(specOf(app, { environment, envName: 'production', lastVariables: { E: 'flag' } }).env, {
      CALLER: '1',
      A: 'file',
      B: 'more',
      C: 'env',
      D: 'layer',
      E: 'flag',
    })
    assert.equal(specOf(app, { envName: 'staging' }).env.D, 'staging')
    assert.equal(specOf(app).env.D, 'env')
  })

  test('are those of a file that begins with a byte order mark, too', () => {
    assert.deepEqual(specOf({ envFile: '.env.windows' }).env, { FIRST: '1', SECOND: '2' })
  })

  test('lose what a later one takes away', () => {
    const app = { env: { GONE: undefined, GONE_TOO: null }, envs: { bare: { KEPT: null } } }
    const environment = { GONE: '1', GONE_TOO: '1', KEPT: '1' }
    assert.deepEqual(specOf(app, { environment }).env, { KEPT: '1' })
    assert.deepEqual(specOf(app, { environment, envName: 'bare' }).env, {})
  })

  test('may be chosen by a name that a function alone looks at', () => {
    assert.deepEqual(specOf({}, { envName: 'production' }).env, {})
  })
})

suite('several apps', () => {
  test('keep the order of the file, get the common hooks first, and their group', () => {
    const specs = resolved({
      apps: [
        { name: 'api', script: 'web.js', dependsOn: ['db'], hooks: [{ on: 'crash', run: 'own' }] },
        { name: 'db', script: 'web.js' },
        { name: 'alone', script: 'web.js', port: 0 },
        { name: 'too', script: 'web.js', port: 0 },
      ],
      groups: { backend: { strategy: 'rest-for-one', apps: ['db', 'api'] } },
      hooks: [{ on: 'failed', run: 'common' }],
    })
    const group = { name: 'backend', strategy: 'rest-for-one' }
    assert.deepEqual(
      specs.map((spec) => [spec.name, spec.group, spec.hooks.map(({ run }) => run)]),
      [
        ['api', group, ['common', 'own']],
        ['db', group, ['common']],
        ['alone', undefined, ['common']],
        ['too', undefined, ['common']],
      ],
    )
  })
})

suite('refused is', () => {
  const time = 'write a time such as 500ms, 10s or 2m, up to 24h'
  const probe =
    "write a probe such as '/healthz' (asked of each worker), 'http://127.0.0.1:3000/healthz' or 'tcp:127.0.0.1:3000'"
  const cron = "write a cron pattern such as '0 3 * * *'"
  const apps: [app: object, message: string][] = [
    [{ wrokers: 3 }, "apps[0].wrokers is no known key: did you mean 'workers'?"],
    [{ max_memory: 3 }, "apps[0].max_memory is no known key: did you mean 'maxMemory'?"],
    [{ stop: { garce: 1 } }, "apps[0].stop.garce is no known key: did you mean 'grace'?"],
    [{ stop: { colour: 1 } }, 'apps[0].stop.colour is no known key: there are signal, grace'],
    [{ ready: { tiemout: 1 } }, "apps[0].ready.tiemout is no known key: did you mean 'timeout'?"],
    [
      { live: { probe: { type: 'tcp', hots: 1 } } },
      "apps[0].live.probe.hots is no known key: did you mean 'host'?",
    ],
    [
      { instances: 2, exec_mode: 'cluster' },
      "apps[0].instances is a key of PM2: write 'workers'; exec_mode is a key of PM2: leave it out, every app is a cluster",
    ],
    [
      { max_memory_restart: '1G' },
      "apps[0].max_memory_restart is a key of PM2: write 'maxMemory', such as '512MB'",
    ],
    [
      { env_production: {} },
      'apps[0].env_production is a key of PM2: write envs: { production: { … } }, chosen with --env-name production',
    ],
    [{ script: 5 }, 'apps[0].script is 5: write a path'],
    [
      { name: 'a b' },
      "apps[0].name 'a b' cannot name an app: use letters, digits, dots, dashes and underscores, at most 64, not 'all'",
    ],
    [{ workers: 0 }, "apps[0].workers is 0: write 1 to 1024, 'max', or -1 for all processors but one"],
    [
      { workers: 'many' },
      "apps[0].workers is 'many': write 1 to 1024, 'max', or -1 for all processors but one",
    ],
    [{ workers: 4, maxWorkers: 2 }, 'apps[0].maxWorkers is 2: less than the 4 workers asked for'],
    [{ port: 70_000 }, 'apps[0].port is 70000: write a whole number from 0 to 65535'],
    [{ share: 'evenly' }, "apps[0].share is 'evenly': choose one of slots, shared, balanced, ports"],
    [
      { balance: 'evenly' },
      "apps[0].balance is 'evenly': choose one of round-robin, least-connections, two-choices, weighted, random, ip-hash, ewma, or write { algorithm, weights }",
    ],
    [
      { balance: { algorithm: 'weighted', weights: [0] } },
      'apps[0].balance.weights[0] is 0: write a number above 0',
    ],
    [{ rebalance: 'yes' }, "apps[0].rebalance is 'yes': write true or false"],
    [
      { rebalance: true, balance: 'ip-hash' },
      "apps[0].rebalance would take clients away from the worker that 'ip-hash' keeps them with: leave one of them out",
    ],
    [
      { rebalance: true, interpreter: 'python3' },
      'apps[0].rebalance needs Node programs, which can be sent connections: leave it out',
    ],
    [{ args: '--a --b' }, "apps[0].args is '--a --b': write a list of texts"],
    [{ stop: { grace: 'soon' } }, `apps[0].stop.grace is 'soon': ${time}`],
    [{ stop: { grace: '25h' } }, `apps[0].stop.grace is '25h': ${time}`],
    [{ stop: { grace: -1 } }, `apps[0].stop.grace is -1: ${time}`],
    [{ stop: { grace: Number.NaN } }, `apps[0].stop.grace is NaN: ${time}`],
    [
      { stop: { signal: 'SIGNOPE' } },
      "apps[0].stop.signal is 'SIGNOPE': write a signal of this system, such as SIGTERM or SIGINT",
    ],
    [{ stop: 'SIGTERM' }, "apps[0].stop is 'SIGTERM': write { signal: 'SIGTERM', grace: '10s' }"],
    [
      { ready: { every: 1 } },
      'apps[0].ready.every is 1: write a time such as 500ms, 10s or 2m, from 10ms up to 24h',
    ],
    [{ ready: 'soon' }, `apps[0].ready is 'soon': choose one of listening, message, spawn, or ${probe}`],
    [{ ready: { on: 'probe' } }, "apps[0].ready.on is 'probe': write a path or a probe beside it"],
    [{ ready: { on: 'spawn', path: '/up' } }, "apps[0].ready.on is 'spawn': a probe needs 'probe' here"],
    [{ ready: { path: '/up', probe: '/up' } }, "apps[0].ready needs a 'path' or a 'probe', not both"],
    [{ live: {} }, "apps[0].live needs a 'path' or a 'probe'"],
    [{ live: 'tcp:99999' }, `apps[0].live is 'tcp:99999': ${probe}`],
    [{ live: 'https://a/' }, `apps[0].live is 'https://a/': ${probe}`],
    [{ watchdog: true }, 'apps[0].watchdog is true: write a time such as 10s, or false for none'],
    [{ maxMemory: '512M' }, "apps[0].maxMemory is '512M': write a size such as 512MB or 1.5GiB"],
    [{ maxAge: '366d' }, "apps[0].maxAge is '366d': write a time such as 500ms, 10s or 2m, up to 365d"],
    [{ cron: '99 * * * *' }, `apps[0].cron is '99 * * * *': Invalid value for minute: 99: ${cron}`],
    [{ cron: '0 0 31 2 *' }, `apps[0].cron is '0 0 31 2 *': never comes: ${cron}`],
    [{ env: ['A=1'] }, "apps[0].env cannot be this: write an object, such as { LOG_LEVEL: 'info' }"],
    [
      { env: { A: {} } },
      'apps[0].env.A cannot be this: write a text, a number, true or false; undefined or null removes the variable',
    ],
    [{ cwd: 'gone' }, `apps[0].cwd is 'gone': there is no folder ${join(folder, 'gone')}`],
    [{ hooks: [{ on: 'crash' }] }, "apps[0].hooks[0] needs either 'run' or 'post'"],
    [
      { hooks: [{ on: 'crash', run: 'x', post: 'http://a' }] },
      "apps[0].hooks[0] needs either 'run' or 'post'",
    ],
    [
      { hooks: [{ on: 'crsh', run: 'x' }] },
      `apps[0].hooks[0].on is 'crsh': choose from ${hookEvents.join(', ')}`,
    ],
    [
      { script: 'plain' },
      `apps[0].script is 'plain': nobody can tell what runs ${join(folder, 'plain')}: say it with 'interpreter', or make the file executable`,
    ],
    [
      { interpreter: './src' },
      `apps[0].interpreter is './src': ${join(folder, 'src')} is no program that can be run: check the path`,
    ],
    [
      { interpreter: 'py', env: { PATH: `/nowhere:${folder}` } },
      "apps[0].interpreter is 'py': no folder of PATH has a program py: install it, or give its full path",
    ],
    [
      { script: 'job.py', env: { PATH: '/nowhere' } },
      "apps[0].script is 'job.py': no folder of PATH has a program python3: install it, or give its full path",
    ],
    [
      { interpreter: 'none' },
      `apps[0].interpreter is 'none': ${join(folder, 'web.js')} is not executable: chmod +x makes it so`,
    ],
    [
      { script: 'job.py', nodeArgs: ['-x'] },
      `apps[0].nodeArgs are for Node, but ${join(folder, 'job.py')} is run by python3: leave them out`,
    ],
    [
      { dependsOn: 'wbe', name: 'web' },
      "apps[0].dependsOn is 'wbe': no app has that name, did you mean 'web'?",
    ],
    [
      { dependsOn: 'web', name: 'web' },
      'apps are in a circle, web → web: an app cannot wait for itself, take one of the dependencies away',
    ],
  ]
  for (const [app, message] of apps) {
    test(JSON.stringify(app), () => assertRefused(() => specOf(app), message))
  }

  const web = (app: object = {}) => ({ script: 'web.js', ...app })
  const files: [file: unknown, message: string][] = [
    ['web.js', " is 'web.js': write { apps: [{ script: './server.js' }] }"],
    [[], " cannot be this: write { apps: [{ script: './server.js' }] }"],
    [{}, "apps is missing: write { apps: [{ script: './server.js' }] }"],
    [{ apps: [] }, "apps cannot be this: write at least one app, such as { script: './server.js' }"],
    [{ apps: ['web.js'] }, "apps[0] is 'web.js': write an app such as { script: './server.js' }"],
    [{ apps: [{}] }, "apps[0].script is missing: write an app such as { script: './server.js' }"],
    [{ apps: [web()], app: 1 }, "app is no known key: did you mean 'apps'?"],
    [{ apps: [web()], deploy: {} }, 'deploy is a key of PM2: leave it out, deploying is up to other tools'],
    [{ apps: [web(), web()] }, "apps[1] has the same name as apps[0], 'web': give it another 'name'"],
    [
      { apps: [web({ port: 80 }), web({ name: 'b', port: 80 })] },
      "apps[1].port is 80: 'web' has that port, write another",
    ],
    [
      { apps: [web({ ports: 4000, workers: 3 }), web({ name: 'b', port: 4002 })] },
      "apps[1].port is 4002: 'web' has the ports 4000 to 4002, write another",
    ],
    [
      { apps: [web({ ports: 4000, workers: 3 }), web({ name: 'b', ports: 3999, workers: 2 })] },
      "apps[1].ports is 3999: 'web' has the ports 4000 to 4002, and these are 3999 to 4000: begin elsewhere",
    ],
    [
      { apps: [web({ port: 4001 }), web({ name: 'b', ports: 4000, workers: 2 })] },
      "apps[1].ports is 4000: 'web' has port 4001, and these are 4000 to 4001: begin elsewhere",
    ],
    [
      { apps: [web({ name: 'api', dependsOn: 'db' }), web({ name: 'db', dependsOn: 'api' })] },
      'apps are in a circle, api → db → api: these apps wait for each other, take one of the dependencies away',
    ],
    [
      { apps: [web()], groups: { x: { apps: ['db'] } } },
      "groups.x.apps[0] is 'db': no app has that name, there are web",
    ],
    [
      { apps: [web()], groups: { x: { apps: ['web'] }, y: { apps: ['web'] } } },
      "groups.y.apps[0] is 'web': an app is in one group, this one is in 'x'",
    ],
    [
      { apps: [web()], groups: { x: { strategy: 'all', apps: ['web'] } } },
      "groups.x.strategy is 'all': choose one of one-for-one, one-for-all, rest-for-one",
    ],
  ]
  for (const [file, message] of files) {
    test(JSON.stringify(file), () => assertRefused(() => resolved(file), message))
  }

  test('a script that is not there', () => {
    const message = `apps[0].script is 'gone.js': there is no script ${join(folder, 'gone.js')}: check the path`
    assertRefused(() => specOf({ script: 'gone.js' }), message, 'script_not_found')
  })

  test('an env file that is not there, unless it may be missing', () => {
    const path = join(folder, '.gone')
    const message = `apps[0].envFile is '${path}': there is no file ${path}: check the path, or write { path, optional: true }`
    assertRefused(() => specOf({ envFile: '.gone' }), message)
  })

  test('a layer of variables that no app has', () => {
    const app = { envs: { production: {}, staging: {} } }
    assert.throws(() => specOf(app, { envName: 'prod' }), {
      code: 'usage',
      message: '--env-name prod: brood.config.json has no such envs, but production, staging',
    })
  })

  test('everything at once, an unknown key first', () => {
    assert.throws(
      () => specOf({ port: -1, stop: { grace: 'soon' }, scirpt: 1 }),
      (error) => {
        assert.ok(error instanceof BroodError)
        assert.match(error.message, /scirpt is no known key/)
        assert.deepEqual(
          error.detail.map((line) => /apps\[0\]\.\S+/.exec(line)?.[0]),
          ['apps[0].port', 'apps[0].stop.grace'],
        )
        return true
      },
    )
  })
})

function assertRefused(make: () => unknown, message: string, code: ErrorCode = 'config_invalid'): void {
  const shown = message.startsWith(' ') ? `brood.config.json${message}` : `brood.config.json: ${message}`
  assert.throws(make, { code, message: shown })
}
