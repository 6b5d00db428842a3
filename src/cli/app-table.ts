// The table of apps and workers that `list` and `start` print.
import { formatDuration } from '../kernel/duration.ts'
import type { AppReport, WorkerReport } from '../supervisor/report.ts'
import { type Column, renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'

const columns: readonly Column[] = [
  { title: 'APP', shrinkTo: 8 },
  { title: 'SLOT', align: 'right' },
  { title: 'PID', align: 'right' },
  { title: 'STATE', shrinkTo: 8 },
  { title: 'UPTIME', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: 'CPU', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'ADDRESS', shrinkTo: 7 },
]

const noApps = 'No apps yet. Start one: brood start server.js'

export function appTable(apps: readonly AppReport[], terminal: Terminal): string {
  if (apps.length === 0) return noApps
  const rows = apps.flatMap((app) =>
    app.workers.length === 0
      ? [[app.name, '', '', stateText(app.status, terminal), '', '', '', '', app.addresses.join(' ')]]
      : app.workers.map((worker, index) => [
          index === 0 ? app.name : '',
          ...workerCells(worker, terminal),
          index === 0 ? app.addresses.join(' ') : '',
        ]),
  )
  const [head = '', ...lines] = renderTable(columns, rows, terminal.width).split('\n')
  return [terminal.style('dim', head), ...lines].join('\n')
}

function workerCells(worker: WorkerReport, terminal: Terminal): string[] {
  const adopted = worker.adopted.length === 0 ? '' : ` +${worker.adopted.join(',')}`
  return [
    `${worker.slot}`,
    worker.pid === null ? '-' : `${worker.pid}`,
    stateText(worker.blocked ? 'blocked' : worker.state, terminal) + adopted,
    worker.uptime === null ? '-' : formatDuration(worker.uptime),
    `${worker.restarts}`,
    worker.cpu === null ? '-' : `${worker.cpu.toFixed(1)}%`,
    worker.rss === null ? '-' : `${Math.round(worker.rss / 1e6)} MB`,
  ]
}

export function stateText(
  state: WorkerReport['state'] | 'blocked' | AppReport['status'],
  terminal: Terminal,
): string {
  switch (state) {
    case 'ready':
    case 'running':
      return terminal.style('green', state)
    case 'failed':
    case 'blocked':
    case 'killed':
    case 'degraded':
      return terminal.style('red', state)
    case 'stopped':
    case 'done':
      return terminal.style('dim', state)
    default:
      return terminal.style('yellow', state)
  }
}
