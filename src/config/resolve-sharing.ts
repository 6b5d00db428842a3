// How the workers of an app share what they listen on: the mode, and what belongs to that mode alone.
import type * as v from 'valibot'
import { type BalancerName, isSticky } from '../balance/index.ts'
import type { CheckedApp } from './app-input.ts'
import { type appSpec, usualMaxWorkers } from './app-spec.ts'
import type { Refuse } from './origin.ts'
import { defaultShareMode } from './share-mode.ts'

type Spec = v.InferInput<typeof appSpec>
type Sharing = Pick<Spec, 'share' | 'balance' | 'ports' | 'proxy' | 'rebalance' | 'maxWorkers'>
type Mode = NonNullable<Spec['share']>

/** Which modes a setting means something in. */
const belongs: Readonly<Record<'balance' | 'ports' | 'proxy', readonly Mode[]>> = {
  balance: ['balanced', 'ports'],
  ports: ['ports'],
  proxy: ['ports'],
}

/** On this machine alone: clients are to come by the proxy. */
const usualHost = '127.0.0.1'

/** A sticky cookie without a name of its own. */
const usualCookie = 'brood'

/** What `sharing` says, and as many sockets as the mode can have. */
export function sharingOf(app: CheckedApp, interpreter: string | undefined, refuse: Refuse): Sharing {
  const workers = app.workers ?? 1
  const mode = modeOf(app)
  assertFits(app, mode, interpreter, refuse)
  const { algorithm, weights = [] } =
    typeof app.balance === 'object' ? app.balance : { algorithm: app.balance ?? 'round-robin' }
  const balance = { algorithm, weights }
  if (mode === 'ports') {
    if (app.rebalance === true)
      throw refuse(
        ['rebalance'],
        "is not for share 'ports', where connections are the proxy's: take balance 'least-connections'",
      )
    const { from, host = usualHost } = typeof app.ports === 'number' ? { from: app.ports } : (app.ports ?? {})
    // Ports that are counted from one are in nobody's way as long as there are no more than workers.
    const maxWorkers = app.maxWorkers ?? (from === undefined ? Math.max(usualMaxWorkers, workers) : workers)
    assertRange(app, from, maxWorkers, refuse)
    const proxy = proxyOf(app, refuse)
    return {
      share: mode,
      ports: { host, from },
      maxWorkers,
      ...(proxy === undefined ? {} : { balance, proxy }),
    }
  }
  const maxWorkers = app.maxWorkers ?? Math.max(usualMaxWorkers, workers)
  assertMovable(app, mode, algorithm, interpreter, refuse)
  const { rebalance } = app
  return { share: mode, maxWorkers, rebalance, ...(mode === 'balanced' ? { balance } : {}) }
}

/** Who asks for what only one mode has asks for that mode. */
function modeOf({ share, balance, ports, proxy }: CheckedApp): Mode {
  if (share !== undefined) return share
  if (ports !== undefined || (proxy !== undefined && proxy !== false)) return 'ports'
  return balance === undefined ? defaultShareMode : 'balanced'
}

function assertFits(app: CheckedApp, mode: Mode, interpreter: string | undefined, refuse: Refuse): void {
  for (const field of ['balance', 'ports', 'proxy'] as const) {
    if (app[field] === undefined || belongs[field].includes(mode)) continue
    const modes = belongs[field].map((one) => `'${one}'`).join(' and ')
    throw refuse([field], `is for share ${modes}, not '${mode}': leave one of them out`)
  }
  if (interpreter === undefined || !['balanced', 'ports'].includes(mode)) return
  const field =
    (['share', 'ports', 'proxy', 'balance'] as const).find((one) => app[one] !== undefined) ?? 'share'
  const what = mode === 'balanced' ? 'which can be sent connections' : 'which can be given a port each'
  throw refuse([field], `needs Node programs, ${what}: choose 'shared', or leave it out`, app.share)
}

function assertMovable(
  { rebalance }: CheckedApp,
  mode: Mode,
  algorithm: BalancerName,
  interpreter: string | undefined,
  refuse: Refuse,
): void {
  if (rebalance !== true) return
  if (interpreter !== undefined)
    throw refuse(['rebalance'], 'needs Node programs, which can be sent connections: leave it out')
  if (mode !== 'balanced' || !isSticky(algorithm)) return
  throw refuse(
    ['rebalance'],
    `would take clients away from the worker that '${algorithm}' keeps them with: leave one of them out`,
  )
}

function assertRange({ port }: CheckedApp, from: number | undefined, count: number, refuse: Refuse): void {
  if (from === undefined) return
  const last = from + count - 1
  if (last > 65_535)
    throw refuse(
      ['ports'],
      `${count} ports from ${from} go beyond 65535: begin lower, or set maxWorkers`,
      from,
    )
  if (port !== undefined && port >= from && port <= last)
    throw refuse(
      ['ports'],
      `${from} to ${last} are the workers' ports, and ${port} is the app's own: begin elsewhere`,
      from,
    )
}

function proxyOf({ proxy, balance }: CheckedApp, refuse: Refuse): Spec['proxy'] {
  if (proxy === false) {
    if (balance === undefined) return undefined
    throw refuse(['balance'], 'is for the built-in proxy, and there is none: leave one of them out')
  }
  const {
    mode,
    workers = 1,
    sticky,
    trust = false,
  } = typeof proxy === 'string' ? { mode: proxy } : (proxy ?? {})
  const cookie = sticky === true ? usualCookie : sticky
  if (cookie !== undefined && cookie !== false && mode === 'tcp')
    throw refuse(
      ['proxy', 'sticky'],
      "needs mode 'http': with 'tcp' no cookie can be read, take balance 'ip-hash'",
    )
  return {
    ...(mode === undefined ? {} : { mode }),
    workers,
    trust,
    ...(cookie === undefined || cookie === false ? {} : { sticky: cookie }),
  }
}
