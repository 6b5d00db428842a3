// A plan as people read it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { renderPlan } from '../../src/cli/plan-text.ts'
import { terminal } from '../../src/cli/terminal.ts'
import type { AppSpec } from '../../src/config/app-spec.ts'
import type { AppPlan } from '../../src/config/plan.ts'

const textOf = (plan: readonly AppPlan[]): string[] =>
  stripVTControlCharacters(renderPlan(plan, terminal({ json: false }))).split('\n')

const spec = { workers: 2 } as AppSpec // the text needs no more of it

test('has a line for each app, its differences below, and at the end how many of each', () => {
  const change = (path: string, from: unknown, to: unknown) => ({ path, from, to, takes: 'reload' as const })
  const changes = [
    change('env.LOG_LEVEL', 'info', 'debug'),
    change('env.EMPTY', undefined, ''),
    change('stop.grace', 10_000, 1500),
    change('restart.backoff.from', 100, 2000),
    change('ports.from', undefined, 4000),
    change('renew.maxMemory', undefined, 512_000_000),
    change('args', [], ['--loud']),
    change('workers', 2, 4),
  ]
  const plan: AppPlan[] = [
    { name: 'web', action: 'change', how: 'reload', spec, scale: 4, changes },
    { name: 'api', action: 'start', spec },
    { name: 'old-one', action: 'remove' },
    { name: 'cron', action: 'unchanged' },
    { name: 'mail', action: 'stays' },
  ]
  assert.deepEqual(textOf(plan), [
    '~ web      reload',
    '    env.LOG_LEVEL: info → debug',
    "    env.EMPTY: (none) → ''",
    '    stop.grace: 10s → 1500ms',
    '    restart.backoff.from: 100ms → 2s',
    '    ports.from: (none) → 4000',
    '    renew.maxMemory: (none) → 512MB',
    '    args: [] → ["--loud"]',
    '    workers: 2 → 4',
    '+ api      start, 2 workers',
    '- old-one  remove',
    '= cron     unchanged',
    '. mail     stays',
    '1 to start, 1 to change, 1 to remove, 1 unchanged, 1 not in the file',
  ])
})

test('of one unchanged app has just that', () => {
  assert.deepEqual(textOf([{ name: 'web', action: 'unchanged' }]), ['= web  unchanged', '1 unchanged'])
})
