// A plan is carried out through the control API: each app by the operation it takes, in order, up to the first failure.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import * as v from 'valibot'
import { applyPlan } from '../../src/cli/apply-plan.ts'
import { type AppSpec, appSpec } from '../../src/config/app-spec.ts'
import type { AppPlan } from '../../src/config/plan.ts'
import type { How } from '../../src/config/spec-difference.ts'
import { ControlClient } from '../../src/daemon/control/client.ts'
import type { AppResult } from '../../src/daemon/control/contract.ts'
import { ControlServer, type Handlers } from '../../src/daemon/control/server.ts'
import { BroodError } from '../../src/kernel/errors.ts'
import type { AppReport } from '../../src/supervisor/report.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 30_000 }

const spec: AppSpec = v.parse(appSpec, {
  name: 'web',
  script: '/srv/web.js',
  args: [],
  nodeArgs: [],
  cwd: '/srv',
  env: {},
  workers: 3,
  ready: { on: 'listening', timeout: 30_000, settle: 250 },
  stop: { signal: 'SIGTERM', grace: 10_000 },
  restart: { policy: 'permanent', intensity: 5, period: 10_000, backoff: { from: 100, to: 30_000 } },
})

const report = (size: number): AppReport => ({
  name: 'web',
  script: '/srv/web.js',
  status: 'running',
  size,
  addresses: [],
  workers: [],
})

const change = (how: How, scale?: number): AppPlan => ({
  name: 'web',
  action: 'change',
  spec,
  how,
  scale,
  changes: [],
})

/** What a plan asks of a supervisor that answers like this, and the lines it says. */
async function asked(
  t: TestContext,
  plan: readonly AppPlan[],
  update: AppResult = { app: 'web', report: report(2) },
) {
  const calls: string[] = []
  const said: string[] = []
  const handlers: Pick<Handlers, 'start' | 'update' | 'scale' | 'delete'> = {
    start: ({ spec }) => {
      calls.push(`start ${spec.name}`)
      return report(spec.workers)
    },
    update: ({ spec, how }) => {
      calls.push(`update ${spec.name} ${how}`)
      return update
    },
    scale: ({ app, change }) => {
      calls.push(`scale ${app} ${change}`)
      return report(Number(change))
    },
    delete: ({ target }) => {
      calls.push(`delete ${target}`)
      return [{ app: target }]
    },
  }
  // The other operations are not asked for.
  const control = new ControlServer(handlers as Handlers, '1')
  const socket = join(temporaryFolder(t), 'control.sock')
  control.server.listen(socket)
  await once(control.server, 'listening')
  t.after(() => control.server.close())
  const failure = await applyPlan(new ControlClient(socket, '1'), plan, (line) => said.push(line)).then(
    () => undefined,
    (error: Error) => error,
  )
  return { calls, said, failure }
}

const cases: [what: string, plan: readonly AppPlan[], calls: string[], said: string[]][] = [
  [
    'of what is as wanted',
    [
      { name: 'a', action: 'unchanged' },
      { name: 'b', action: 'stays' },
    ],
    [],
    [],
  ],
  ['of a start', [{ name: 'web', action: 'start', spec }], ['start web'], ['started web: 3 workers']],
  ['of a removal', [{ name: 'old', action: 'remove' }], ['delete old'], ['removed old']],
  ['of a number of workers', [change('scale', 4)], ['scale web 4'], ['scaled web']],
  ['of settings', [change('live')], ['update web live'], ['changed web']],
  ['of a program', [change('reload')], ['update web reload'], ['reloaded web']],
  ['of an address', [change('restart')], ['update web restart'], ['restarted web']],
  ['of both settings and workers', [change('live', 4)], ['update web live', 'scale web 4'], ['changed web']],
  [
    'of workers that the update has brought along',
    [change('restart', 2)],
    ['update web restart'],
    ['restarted web'],
  ],
]
for (const [what, plan, calls, said] of cases) {
  test(`a plan ${what} asks for ${calls.join(', ') || 'nothing'}`, bounded, async (t) => {
    assert.deepEqual(await asked(t, plan), { calls, said, failure: undefined })
  })
}

test('an app that cannot be changed ends it', bounded, async (t) => {
  const error = { code: 'not_ready', message: 'web/0 exited', detail: ['last words'] }
  const plan: AppPlan[] = [
    { name: 'old', action: 'remove' },
    change('reload', 4),
    { name: 'new', action: 'start', spec },
  ]
  const { calls, said, failure } = await asked(t, plan, { app: 'web', error })
  assert.deepEqual([calls, said], [['delete old', 'update web reload'], ['removed old']])
  assert.ok(failure instanceof BroodError)
  assert.deepEqual(
    [failure.code, failure.message, failure.detail],
    ['not_ready', 'web/0 exited (done before that: removed old)', ['last words']],
  )
})
