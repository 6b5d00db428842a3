// A plan as people read it: a line for each app, its differences below, and at the end how many of each.
import type { AppPlan, Plan } from '../config/plan.ts'
import type { Difference } from '../config/spec-difference.ts'
import { exactDuration } from '../kernel/duration.ts'
import { formatSize } from '../kernel/size.ts'
import { workersText } from './act-on-apps.ts'
import type { Terminal } from './terminal.ts'

const marks = { start: '+', change: '~', unchanged: '=', stays: '.', remove: '-' } as const
const colours = { start: 'green', change: 'yellow', unchanged: 'dim', stays: 'dim', remove: 'red' } as const

export function renderPlan(plan: Plan, terminal: Terminal): string {
  if (plan.length === 0) return 'There are no apps.'
  const width = Math.max(...plan.map(({ name }) => name.length))
  const lines = plan.flatMap((app) => [
    terminal.style(colours[app.action], `${marks[app.action]} ${app.name.padEnd(width)}  ${actionText(app)}`),
    ...(app.action === 'change' ? app.changes.map((change) => `    ${changeText(change)}`) : []),
  ])
  return [...lines, countsText(plan)].join('\n')
}

function actionText(app: AppPlan): string {
  if (app.action === 'start') return `start, ${workersText(app.spec.workers)}`
  return app.action === 'change' ? app.how : app.action
}

function changeText({ path, from, to }: Difference): string {
  return `${path}: ${valueText(path, from)} → ${valueText(path, to)}`
}

const times = /\.(timeout|settle|every|grace|period|maxAge|watch|debounce)$|\.backoff\.(from|to)$|^watchdog$/
const sizes = /\.(maxMemory|memory|size)$/

/** As it would be written in a configuration file. */
function valueText(path: string, value: unknown): string {
  if (value === undefined) return '(none)'
  if (typeof value === 'number' && times.test(path)) return exactDuration(value)
  if (typeof value === 'number' && sizes.test(path)) return formatSize(value)
  return typeof value === 'string' ? value || "''" : JSON.stringify(value)
}

const words: readonly (readonly [AppPlan['action'], string])[] = [
  ['start', 'to start'],
  ['change', 'to change'],
  ['remove', 'to remove'],
  ['unchanged', 'unchanged'],
  ['stays', 'not in the file'],
]

function countsText(plan: Plan): string {
  return words
    .map(([action, word]) => [plan.filter((app) => app.action === action).length, word] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ')
}
