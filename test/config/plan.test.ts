// The plan of apply: what differs, what it takes, and in which order it is done.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as v from 'valibot'
import { type AppSpec, appSpec } from '../../src/config/app-spec.ts'
import { type AppPlan, planChanges, type RunningApp } from '../../src/config/plan.ts'

function spec(name: string, changed: object = {}): AppSpec {
  return v.parse(appSpec, {
    name,
    script: '/srv/web.js',
    args: [],
    nodeArgs: [],
    cwd: '/srv',
    env: { A: '1' },
    workers: 2,
    ready: { on: 'listening', timeout: 30_000, settle: 250 },
    stop: { signal: 'SIGTERM', grace: 10_000 },
    restart: { policy: 'permanent', intensity: 5, period: 10_000, backoff: { from: 100, to: 30_000 } },
    ...changed,
  })
}

const running = (one: AppSpec, rest: Partial<RunningApp> = {}): RunningApp => ({
  spec: one,
  size: one.workers,
  wanted: 'running',
  ...rest,
})

const actions = (plan: readonly AppPlan[]): string[] => plan.map(({ name, action }) => `${action} ${name}`)

suite('an app', () => {
  test('that is as wanted is unchanged, also when its description went through JSON', () => {
    const wanted = { ...spec('web', { hooks: [{ on: ['crash'], run: 'x' }] }), port: undefined }
    const now = running(JSON.parse(JSON.stringify(wanted)))
    assert.deepEqual(planChanges([now], [wanted]), [{ name: 'web', action: 'unchanged' }])
  })

  test('that does not run, or was stopped, is started', () => {
    const wanted = spec('web')
    assert.deepEqual(planChanges([], [wanted]), [{ name: 'web', action: 'start', spec: wanted }])
    assert.deepEqual(actions(planChanges([running(wanted, { wanted: 'stopped' })], [wanted])), ['start web'])
  })

  test('that has failed is restarted though nothing differs', () => {
    const wanted = spec('web')
    assert.deepEqual(planChanges([running(wanted, { wanted: 'failed' })], [wanted]), [
      {
        name: 'web',
        action: 'change',
        spec: wanted,
        how: 'restart',
        scale: undefined,
        changes: [{ path: 'status', from: 'failed', to: 'running', takes: 'restart' }],
      },
    ])
  })

  const differences: [changed: object, how: string, path: string, from: unknown, to: unknown][] = [
    [{ stop: { signal: 'SIGTERM', grace: 5000 } }, 'live', 'stop.grace', 10_000, 5000],
    [{ watchdog: 0 }, 'live', 'watchdog', 30_000, 0],
    [{ renew: { maxMemory: 5 } }, 'live', 'renew.maxMemory', undefined, 5],
    [{ hooks: [{ on: ['crash'], run: 'x' }] }, 'live', 'hooks', [], [{ on: ['crash'], run: 'x' }]],
    [{ logs: { rotate: { keep: 3 } } }, 'live', 'logs.rotate.keep', 10, 3],
    [{ logs: { rotate: { size: 3 } } }, 'reload', 'logs.rotate.size', 0, 3],
    [{ logs: { to: 'inherit' } }, 'restart', 'logs.to', 'files', 'inherit'],
    [{ dependsOn: ['db'] }, 'live', 'dependsOn', [], ['db']],
    [
      { live: { probe: { type: 'tcp', port: 1 }, every: 10, timeout: 1, failures: 1 } },
      'live',
      'live',
      undefined,
      { probe: { type: 'tcp', host: '127.0.0.1', port: 1 }, every: 10, timeout: 1, failures: 1 },
    ],
    [{ workers: 3 }, 'scale', 'workers', 2, 3],
    [{ script: '/srv/new.js' }, 'reload', 'script', '/srv/web.js', '/srv/new.js'],
    [{ env: { A: '2' } }, 'reload', 'env.A', '1', '2'],
    [{ env: { A: '1', B: '' } }, 'reload', 'env.B', undefined, ''],
    [{ env: {} }, 'reload', 'env.A', '1', undefined],
    [{ args: ['x'] }, 'reload', 'args', [], ['x']],
    [{ interpreter: 'bun' }, 'restart', 'interpreter', undefined, 'bun'],
    [{ logs: { format: 'json' } }, 'reload', 'logs.format', 'raw', 'json'],
    [{ limits: { cpu: 1 } }, 'reload', 'limits', undefined, { cpu: 1 }],
    [{ port: 80 }, 'restart', 'port', undefined, 80],
    [{ maxWorkers: 8 }, 'restart', 'maxWorkers', 64, 8],
  ]
  for (const [changed, how, path, from, to] of differences) {
    test(`with ${JSON.stringify(changed)} takes ${how}`, () => {
      const [plan, ...more] = planChanges([running(spec('web'))], [spec('web', changed)])
      assert.ok(plan?.action === 'change')
      assert.deepEqual([plan.how, plan.changes, more], [how, [{ path, from, to, takes: how }], []])
    })
  }

  test('with several differences takes the strongest, and its number of workers is told apart', () => {
    const wanted = spec('web', { workers: 4, env: {}, port: 80, watchdog: 0 })
    const [plan] = planChanges([running(spec('web'))], [wanted])
    assert.ok(plan?.action === 'change')
    assert.deepEqual([plan.how, plan.scale], ['restart', 4])
    assert.deepEqual(plan.changes.map(({ path }) => path).toSorted(), [
      'env.A',
      'port',
      'watchdog',
      'workers',
    ])
  })

  test('that was scaled since is compared by what it has', () => {
    const wanted = spec('web', { workers: 5 })
    assert.deepEqual(actions(planChanges([running(spec('web'), { size: 5 })], [wanted])), ['unchanged web'])
    const [plan] = planChanges([running(wanted, { size: 9 })], [wanted])
    assert.ok(plan?.action === 'change')
    assert.deepEqual([plan.how, plan.scale], ['scale', 5])
  })

  test('does not change by the variables of another terminal', () => {
    const here = spec('web', { env: { A: '1', TERM: 'x', SSH_TTY: '/dev/pts/1', npm_config_x: '1' } })
    const there = spec('web', { env: { A: '1', SHLVL: '3', PWD: '/' } })
    assert.deepEqual(actions(planChanges([running(here)], [there])), ['unchanged web'])
  })

  test('keeps its secrets', () => {
    const env = (secret: string) => ({
      API_TOKEN: secret,
      dbPassword: secret,
      KEY_FILE: secret,
      CLIENT_SECRET: secret,
      DB_PASS: secret,
      MYSQL_PWD: secret,
      SMTP_CREDENTIALS: secret,
      BASIC_AUTH: secret,
      DATABASE_URL: `postgres://me:${secret}@db/x`,
    })
    const [plan] = planChanges(
      [running(spec('web', { env: env('old') }))],
      [spec('web', { env: env('new') })],
    )
    assert.ok(plan?.action === 'change')
    assert.equal(plan.changes.length, 9)
    assert.doesNotMatch(JSON.stringify(plan.changes), /old|new/)
    assert.deepEqual(
      plan.changes.find(({ path }) => path === 'env.DATABASE_URL')?.to,
      'postgres://me:***@db/x',
    )
  })

  test("keeps a web hook's address to itself", () => {
    const hooks = (secret: string) => [{ on: ['crash'], post: `https://hooks.example/services/${secret}` }]
    const [plan] = planChanges(
      [running(spec('web', { hooks: hooks('old') }))],
      [spec('web', { hooks: hooks('new') })],
    )
    assert.ok(plan?.action === 'change')
    const shown = [{ on: ['crash'], post: 'https://hooks.example/***' }]
    assert.deepEqual(plan.changes, [{ path: 'hooks', from: shown, to: shown, takes: 'live' }])
    assert.deepEqual(plan.spec.hooks, hooks('new'))
  })
})

suite('several apps', () => {
  const [db, api, web] = [spec('db'), spec('api', { dependsOn: ['db'] }), spec('web', { dependsOn: ['api'] })]

  test('come in the order of their dependencies', () => {
    assert.deepEqual(actions(planChanges([], [web, api, db])), ['start db', 'start api', 'start web'])
  })

  test('that nobody wants stay, unless they are to go: those that depend on others first', () => {
    const now = [db, api, web].map((one) => running(one))
    assert.deepEqual(actions(planChanges(now, [db])), ['unchanged db', 'stays api', 'stays web'])
    assert.deepEqual(actions(planChanges(now, [db], { prune: true })), [
      'unchanged db',
      'remove web',
      'remove api',
    ])
  })

  test('that have a port somebody else is to have go first', () => {
    const now = [running(spec('old', { port: 80 })), running(spec('older', { port: 81 }))]
    const plan = planChanges(now, [spec('new', { port: 80 })], { prune: true })
    assert.deepEqual(actions(plan), ['remove old', 'start new', 'remove older'])
  })
})
