// `brood proxy`: a reverse proxy in the foreground, or the configuration of another one that does the same.
import { Command } from 'commander'
import { parseDuration } from '../../kernel/duration.ts'
import { BroodError } from '../../kernel/errors.ts'
import type { WrittenRoute } from '../../proxy/written-route.ts'
import { callForApp } from '../call-for-app.ts'
import { contextOf } from '../context.ts'
import { terminal } from '../terminal.ts'

interface ProxyOptions extends WrittenRoute {
  readonly grace: string
  readonly json?: boolean
}

interface ConfigOptions extends WrittenRoute {
  readonly of?: string
  readonly address?: string
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]

export function proxyCommand(): Command {
  return withRouteOptions(new Command('proxy'))
    .description(
      'forward requests or connections to other addresses; or print what nginx or HAProxy needs for it',
    )
    .option('--grace <time>', 'at the end, how long what is under way may take', '10s')
    .option('--json', 'print JSON')
    .enablePositionalOptions()
    .addCommand(configCommand())
    .action(runProxy)
}

function configCommand(): Command {
  const command = withRouteOptions(new Command('config').argument('<program>', 'nginx or haproxy'))
    .description('print the configuration of another proxy that does the same')
    .option('--of <app>', 'in place of --to: the workers of an app in share mode ports, as they are now')
    .option(
      '--address <address>',
      "with --of: which of the app's addresses, such as *:3000; needed if it has several",
    )
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  return command.action(async (program: string, { of, address, ...options }: ConfigOptions) => {
    const { configWriters } = await import('../../proxy/config-text/index.ts')
    const { routeOf } = await import('../../proxy/written-route.ts')
    if (program !== 'nginx' && program !== 'haproxy')
      throw new BroodError('usage', `config ${program}: write nginx or haproxy`)
    if (of !== undefined && options.to !== undefined)
      throw new BroodError('usage', '--of and --to both say where requests go: write one of them')
    if (of === undefined && address !== undefined)
      throw new BroodError('usage', `--address ${address} goes with --of: name the app that has it`)
    const to = of === undefined ? options.to : await upstreamsOf(of, address)
    process.stdout.write(configWriters[program](routeOf({ ...options, to })))
  })
}

async function upstreamsOf(app: string, address: string | undefined): Promise<readonly string[]> {
  const { workerUpstreams } = await import('../worker-upstreams.ts')
  const { client } = contextOf({})
  return workerUpstreams(await callForApp(app, () => client.call('show', { app })), address)
}

function withRouteOptions(command: Command): Command {
  return command
    .option('--listen <address>', 'where clients come in: a port, host:port, or the path of a unix socket')
    .option('--to <host:port>', 'where they go to, slot 0 first; repeatable', collect)
    .option(
      '--mode <mode>',
      'http: each request by itself; tcp: each connection, whatever it speaks (default: http)',
    )
    .option(
      '--balance <algorithm>',
      'who is next: round-robin, least-connections, two-choices, weighted, random, ip-hash, ewma (default: round-robin)',
    )
    .option('--weights <list>', 'a weight for each --to, in their order: 3,1,1')
    .option('--sticky [cookie]', "a cookie keeps each client with its slot (named 'brood' unless given)")
    .option('--trust', 'whoever asks is a proxy of yours: believe its X-Forwarded headers')
    .option('--connect-timeout <time>', 'for a connection to be there (default: 5s)')
    .option('--idle-timeout <time>', 'without a byte; 0 is never (default: 60s; tcp and WebSockets: 0)')
}

async function runProxy(options: ProxyOptions): Promise<void> {
  const { routeOf } = await import('../../proxy/written-route.ts')
  const { serve } = await import('../../proxy/serve.ts')
  const { hostPort } = await import('../../proxy/route.ts')
  const grace = parseDuration(options.grace)
  if (grace === undefined) throw new BroodError('usage', `--grace ${options.grace}: write a time such as 10s`)
  const route = routeOf(options)
  const { address, ended } = await serve(route, grace)
  const out = terminal({ json: options.json ?? false })
  const { mode, algorithm, upstreams, sticky } = route
  if (out.json)
    out.printJson({ listening: address, mode, algorithm, upstreams, sticky: sticky?.cookie ?? null })
  else {
    const how = sticky === undefined ? algorithm : `${algorithm}, sticky by the cookie '${sticky.cookie}'`
    out.print(`${mode} on ${address} → ${upstreams.map(hostPort).join(', ')} (${how})`)
  }
  await ended
  // Timers and connections to upstreams that are left have nobody any more.
  process.exit()
}
