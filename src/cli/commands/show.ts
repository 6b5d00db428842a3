// `brood show`: one app in detail, with the last thing that went wrong; without an app, the supervisor itself.
import { Command } from 'commander'
import type { AppSpec, Probe } from '../../config/app-spec.ts'
import { shareModeHere } from '../../config/share-mode.ts'
import type { AppDetail, SupervisorReport } from '../../daemon/control/contract.ts'
import { formatDuration } from '../../kernel/duration.ts'
import { formatSize } from '../../kernel/size.ts'
import { appTable, stateText } from '../app-table.ts'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'
import { queueRows } from '../queue-rows.ts'
import { renderTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export function showCommand(): Command {
  return new Command('show')
    .argument('[app]')
    .description('show one app in detail; without an app, the supervisor')
    .option('--json', 'print JSON')
    .action(async (app: string | undefined, options: { json?: boolean }) => {
      const { client, terminal } = contextOf(options)
      if (app === undefined) {
        const status = await client.call('status', {})
        if (terminal.json) terminal.printJson(status)
        else terminal.print(facts(supervisorFacts(status)))
        return
      }
      const detail = await callForApp(app, () => client.call('show', { app }))
      if (terminal.json) terminal.printJson(detail)
      else terminal.print(describe(detail, terminal))
    })
}

function supervisorFacts(status: SupervisorReport): [string, string][] {
  return [
    ['supervisor', `brood ${status.version}, protocol ${status.protocol}, on Node ${status.node}`],
    ['pid', `${status.pid}`],
    ['uptime', formatDuration(status.uptime)],
    ['memory', `${Math.round(status.rss / 1e6)} MB`],
    ['apps', `${status.apps}`],
    ['home', status.home],
  ]
}

function describe(detail: AppDetail, terminal: Terminal): string {
  const { spec, failure } = detail
  const { policy, intensity, period } = spec.restart
  const lines = facts([
    ['app', `${detail.name}  ${stateText(detail.status, terminal)}`],
    ['script', [spec.script, ...spec.args].join(' ')],
    ['folder', spec.cwd],
    ['addresses', detail.addresses.join(' ') || '-'],
    ...queueRows(detail.queues),
    ['workers', `${detail.size} of at most ${spec.maxWorkers}, share mode ${sharing(spec)}`],
    ...workerPorts(detail),
    ...connections(detail),
    ['ready', `on ${spec.ready.on}, within ${formatDuration(spec.ready.timeout)}`],
    ['stop', `${spec.stop.signal}, SIGKILL after ${formatDuration(spec.stop.grace)}`],
    ['restart', `${policy}, at most ${intensity} times in ${formatDuration(period)} for each slot`],
    ...attendance(spec),
  ])
  const parts = [lines, appTable([detail], terminal)]
  if (failure !== null) {
    const ago = formatDuration(Date.now() - failure.at)
    parts.push(
      [
        terminal.style('red', `last failure, ${ago} ago: ${detail.name}/${failure.slot} ${failure.reason}`),
        ...(failure.stack === undefined || failure.stack === '' ? [] : failure.stack.trimEnd().split('\n')),
        ...(failure.stack === undefined ? failure.stderr : []).map((line) => `  | ${line}`),
      ].join('\n'),
    )
  }
  return parts.join('\n\n')
}

/** How many each worker has open, where somebody counts them. */
function connections({ workers }: AppDetail): [string, string][] {
  const counts = workers.flatMap(({ slot, connections: open }) =>
    open === null ? [] : [`${open} in ${slot}`],
  )
  return counts.length === 0 ? [] : [['connections', counts.join(', ')]]
}

/** What else was asked for; most apps have none of it. */
function attendance(spec: AppSpec): [string, string][] {
  const { watchdog, live, renew, reload, dependsOn, group, watch, logs, hooks } = spec
  const { maxMemory, maxRequests, maxAge, cron } = renew
  const renewals = [
    maxMemory === undefined ? '' : `over ${formatSize(maxMemory)}`,
    maxRequests === undefined ? '' : `after ${maxRequests} requests`,
    maxAge === undefined ? '' : `after ${formatDuration(maxAge)}`,
    cron === undefined ? '' : `at '${cron}'`,
  ].filter(Boolean)
  const rotation = [
    logs.rotate.size > 0 ? `at ${formatSize(logs.rotate.size)}` : '',
    logs.rotate.every > 0 ? `every ${formatDuration(logs.rotate.every)}` : '',
  ].filter(Boolean)
  const rows: [string, string][] = [
    ['watchdog', watchdog === 0 ? 'off' : `a loop that does not turn for ${formatDuration(watchdog)}`],
    ['live', live === undefined ? '' : `${probeText(live.probe)}, every ${formatDuration(live.every)}`],
    ['renewed', renewals.join(', ')],
    ['canary', reload.canary === undefined ? '' : `watched for ${formatDuration(reload.canary.watch)}`],
    ['depends on', dependsOn.join(', ')],
    ['group', group === undefined ? '' : `${group.name}, ${group.strategy}`],
    ['watches', watch?.paths.join(', ') ?? ''],
    ['logs', [logs.to === 'inherit' ? 'to the supervisor' : logs.format, ...rotation].join(', rotated ')],
    ['hooks', hooks.map(({ on, run, post }) => `${on.join(' ')}: ${run ?? post}`).join('; ')],
  ]
  return rows.filter(([, text]) => text !== '')
}

function probeText(probe: Probe): string {
  const { host, port } = probe
  if (probe.type === 'tcp') return `tcp ${host}:${port}`
  return port === undefined ? `GET ${probe.path}` : `GET http://${host}:${port}${probe.path}`
}

function sharing({ share, balance, proxy, rebalance }: AppDetail['spec']): string {
  const weights = balance?.weights ?? []
  return [
    shareModeHere(share),
    ...(balance === undefined ? [] : [balance.algorithm]),
    ...(weights.length > 0 ? [`weights ${weights.join(' ')}`] : []),
    ...(proxy?.sticky === undefined ? [] : [`sticky by cookie ${proxy.sticky}`]),
    ...(rebalance ? ['rebalanced'] : []),
  ].join(', ')
}

/** Where a proxy finds each worker. */
function workerPorts({ workerPorts: all = [] }: AppDetail): [string, string][] {
  return all.map(({ address, host, ports }) => [
    all.length > 1 ? `behind ${address}` : 'behind it',
    `on ${host}: ${ports.join(' ')}`,
  ])
}

/** Never cut: whoever looks at one app wants its whole path, all its addresses, every hook. */
function facts(rows: readonly [string, string][]): string {
  const [, ...lines] = renderTable([{ title: '' }, { title: '' }], rows, Number.POSITIVE_INFINITY).split('\n')
  return lines.join('\n')
}
