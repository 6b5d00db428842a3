// One measurement of one share mode: the program is started, warmed up, loaded, and what that took of the processors is read.
import type { AppSpec } from '../../config/app-spec.ts'
import type { ControlClient } from '../../daemon/control/client.ts'
import { frontOf } from '../../daemon/front/front.ts'
import type { Millis } from '../../kernel/clock.ts'
import { BroodError } from '../../kernel/errors.ts'
import { usageOf } from '../../process/usage.ts'
import type { AppReport } from '../../supervisor/report.ts'
import { connectionsBetween, socketsOf } from './connections.ts'
import { busiestToMean } from './figures.ts'
import type { Load, LoadResult, Tick } from './load.ts'
import { runLoad } from './run-load.ts'
import { Census } from './who-answered.ts'

export interface Trial {
  readonly mode: AppSpec['share']
  readonly round: number
  readonly requestsPerSecond: number
  /** Processor time of all workers, the supervisor, and the proxy in front of them where there is one, in microseconds; null where the system does not tell. */
  readonly cpuPerRequest: number | null
  /** Milliseconds; null when nothing was answered. */
  readonly p99: Millis | null
  /** The busiest worker's, measured in what the mean worker has. */
  readonly busiestToMean: { readonly connections: number | null; readonly requests: number | null }
  /** Requests without an answer, and answers with a status of 400 and more. */
  readonly errors: number
}

/** So that the program is compiled and its connections are known to the kernel before anything counts. */
const warmUp: Millis = 1000

export interface Plan {
  /** What the program is started as, in this mode. */
  readonly spec: AppSpec
  readonly round: number
  /** Where to, below the program's address. */
  readonly path: string
  readonly load: Load
}

export async function trial(
  { spec, round, path, load: wanted }: Plan,
  client: ControlClient,
  signal: AbortSignal,
  tick: (tick: Tick) => void,
): Promise<Trial> {
  const report = await client.call('start', { spec })
  try {
    const port = portOf(report)
    const pids = report.workers.flatMap(({ pid }) => pid ?? [])
    const idle = socketsOf(pids)
    const load = { ...wanted, url: new URL(path, `http://127.0.0.1:${port}`).href }
    await runLoad({ ...load, duration: Math.min(warmUp, load.duration) }, signal, {})
    const census = await Census.begin(spec.name, client)
    const { pid: supervisor } = await client.call('status', {})
    const working = [...pids, ...(await frontPids(spec, client)), supervisor]
    const before = cpuOf(working)
    let held: number[] = []
    const result = await runLoad(load, signal, {
      tick,
      // All connections are open then, and none is closed yet.
      halfway() {
        held = connectionsBetween(idle, socketsOf(pids))
      },
    })
    const after = cpuOf(working)
    await census.take()
    const answered = census.answerers.map(({ requests }) => requests)
    const cpu = before === undefined || after === undefined ? undefined : after - before
    return {
      mode: spec.share,
      round,
      requestsPerSecond: result.perSecond.mean,
      cpuPerRequest: cpu === undefined || result.requests === 0 ? null : (cpu * 1000) / result.requests,
      p99: result.latency?.p99 ?? null,
      busiestToMean: {
        // A connection for each request is as good as a request.
        connections: busiestToMean(load.short ? answered : held) ?? null,
        requests: busiestToMean(answered) ?? null,
      },
      errors: errorsOf(result),
    }
  } finally {
    await client.call('delete', { target: spec.name })
  }
}

async function frontPids(spec: AppSpec, client: ControlClient): Promise<number[]> {
  const front = frontOf(spec)
  if (front === undefined) return []
  const { workers } = await client.call('show', { app: front.name })
  return workers.flatMap(({ pid }) => pid ?? [])
}

function portOf({ name, addresses }: AppReport): number {
  const port = addresses.map((address) => /^\S+:(\d+)$/.exec(address)?.[1]).find((one) => one !== undefined)
  if (port !== undefined) return Number(port)
  throw new BroodError('usage', `'${name}' listens on no TCP port: what is to be loaded has to`)
}

/** Milliseconds; undefined when one of them is gone or the system does not tell. */
function cpuOf(pids: readonly number[]): Millis | undefined {
  const usages = pids.map((pid) => usageOf(pid)?.cpu)
  return usages.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0)
}

function errorsOf({ failures, statuses }: LoadResult): number {
  const bad = Object.entries(statuses).filter(([status]) => Number(status) >= 400)
  return [...Object.values(failures), ...bad.map(([, count]) => count)].reduce((sum, one) => sum + one, 0)
}
