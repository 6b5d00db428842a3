// Loads an address with wrk and reads its report.
import { runCommand } from '../system/command.ts'

export interface LoadResult {
  requests: number
  requestsPerSecond: number
  /** Connections that failed or timed out, and answers that were not 2xx. */
  errors: number
}

export type Connections = 'short' | 'keep-alive'

export const loadConnections = 64

/** `short` asks for one connection per request; `keep-alive` reuses all 64 for the whole run. */
export async function load(
  port: number,
  connections: Connections,
  seconds: number,
  signal: AbortSignal,
): Promise<LoadResult> {
  const headers = connections === 'short' ? ['-H', 'Connection: close'] : []
  const { stdout } = await runCommand(
    'wrk',
    ['-t1', `-c${loadConnections}`, `-d${seconds}s`, ...headers, `http://127.0.0.1:${port}/`],
    { timeout: seconds * 1000 + 15_000, signal },
  )
  return readReport(stdout)
}

/** Fails early, with the way to get it, rather than in the middle of a run. */
export async function findWrk(signal: AbortSignal): Promise<string> {
  try {
    // wrk prints its version with its usage and exits with 1, so `--version` cannot be told from failure by exit code.
    const { stdout } = await runCommand('sh', ['-c', 'command -v wrk >&2 && wrk --version | head -n 1'], {
      timeout: 10_000,
      signal,
    })
    return /^wrk (\S+(?: \[\w+\])?)/.exec(stdout)?.[1] ?? 'unknown'
  } catch (cause) {
    signal.throwIfAborted()
    throw new Error('wrk is not installed: run scripts/setup-test-servers.sh, or `apt-get install wrk`', {
      cause,
    })
  }
}

function readReport(report: string): LoadResult {
  const read = (pattern: RegExp) => pattern.exec(report)?.slice(1).map(Number)
  const requests = read(/(\d+) requests in/)?.[0]
  const requestsPerSecond = read(/Requests\/sec:\s+([\d.]+)/)?.[0]
  if (requests === undefined || requestsPerSecond === undefined) {
    throw new Error(`wrk printed a report of another form than expected:\n${report}`)
  }
  const sockets = read(/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/) ?? []
  const answers = read(/Non-2xx or 3xx responses: (\d+)/) ?? []
  return {
    requests,
    requestsPerSecond,
    errors: [...sockets, ...answers].reduce((sum, count) => sum + count, 0),
  }
}
