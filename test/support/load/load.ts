/** Runs several kinds of client at once against one port and counts how every single request ended. */
import { Client, type ClientWatcher } from './client.ts'
import { type KindName, type KindSettings, kindNames, kinds } from './kinds/index.ts'
import { seededRandom } from './random.ts'
import { LoadReport } from './report.ts'

export type LoadOptions = {
  readonly port: number
  /** `127.0.0.1` unless given. */
  readonly host?: string
  /** How many clients of each kind, or the settings of that kind. */
  readonly kinds: { readonly [Name in KindName]?: number | KindSettings[Name] }
  /** Begins the random idle times; the same seed gives the same times. 1 unless given. */
  readonly seed?: number
  /** How many requests each client makes; no bound unless given. */
  readonly requestsPerClient?: number
  /** Milliseconds from asking to the last byte of the answer; 5000 unless given. */
  readonly answerTimeout?: number
  /** Ends the load like `stop()`. */
  readonly signal?: AbortSignal
}

type Load = {
  /** The counts so far; the object goes on counting. */
  readonly report: LoadReport
  /** Resolves when every client has made its requests or was stopped; rejects with a `LoadClientError`. */
  readonly finished: Promise<LoadReport>
  /** Lets the requests that are under way finish, makes no new ones, and returns what was counted. */
  stop(): Promise<LoadReport>
  /** Resolves as soon as the counts meet the condition; rejects when the load ends before they do. */
  until(condition: (report: LoadReport) => boolean): Promise<void>
}

const mostExamples = 20

export function startLoad(options: LoadOptions): Load {
  const report = new LoadReport()
  const stopping = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal
  const conditions = new Set<() => void>()
  const startedAt = performance.now()
  const clients = kindNames.flatMap((name) => startKind(name, options.kinds[name] ?? 0))
  const finished = finish()
  // Nobody has to await all of `finished`, `stop` and `until`; each of them reports the error by itself.
  finished.catch(() => {})
  return { report, finished, stop, until }

  function startKind<Name extends KindName>(name: Name, given: number | KindSettings[Name]): Promise<void>[] {
    // The cast says what TypeScript can't see of a type that is still open: no kind needs more than `clients`.
    const settings = typeof given === 'number' ? ({ clients: given } as KindSettings[Name]) : given
    return Array.from({ length: settings.clients }, async (_, index) => {
      const client = new Client({
        address: { host: options.host ?? '127.0.0.1', port: options.port },
        answerTimeout: options.answerTimeout ?? 5000,
        requests: options.requestsPerClient ?? Number.POSITIVE_INFINITY,
        // A generator for each client: in a shared one, the order of the answers would decide who gets which number.
        random: seededRandom((options.seed ?? 1) * 7919 + kindNames.indexOf(name) * 1009 + index),
        signal,
        watcher: watcherOf(name),
      })
      while (client.goesOn) await kinds[name](client, settings)
      client.close()
    })
  }

  function watcherOf(name: KindName): ClientWatcher {
    const tallies = [report.kinds[name], report.total]
    return {
      connected: (milliseconds) => {
        for (const tally of tallies) tally.connected(milliseconds)
      },
      closedIdle: () => {
        for (const tally of tallies) tally.idleCloses++
      },
      ended: (outcome, milliseconds) => {
        for (const tally of tallies) tally.count(outcome, milliseconds)
        if (outcome.is !== 'success' && report.examples.length < mostExamples) {
          const at = Math.round(performance.now() - startedAt)
          report.examples.push(`${at} ms, ${name}, ${outcome.is}: ${outcome.why}`)
        }
        for (const check of conditions) check()
      },
    }
  }

  async function finish(): Promise<LoadReport> {
    try {
      await Promise.all(clients)
    } finally {
      stopping.abort()
      report.seconds = (performance.now() - startedAt) / 1000
    }
    return report
  }

  function stop(): Promise<LoadReport> {
    stopping.abort()
    return finished
  }

  function until(condition: (report: LoadReport) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition(report)) return
        conditions.delete(check)
        resolve()
      }
      conditions.add(check)
      check()
      finished.then(() => reject(new Error('the load ended before the condition was met')), reject)
    })
  }
}
