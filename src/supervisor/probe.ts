// How a worker is asked whether it is well: over the network by TCP or HTTP, or inside its process.
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, type Millis, systemClock } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { messageOf, systemCode } from '../kernel/errors.ts'
import type { Ask } from './prober.ts'
import type { WorkerQuestions } from './worker-questions.ts'

/** What can be asked over the network. */
export type NetworkProbe =
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | { readonly type: 'http'; readonly host: string; readonly port: number; readonly path: string }

/** As an app describes it: HTTP without a port is asked inside the worker, of its own server. */
export type WorkerProbe =
  | NetworkProbe
  | {
      readonly type: 'http'
      readonly host: string
      readonly port?: number | undefined
      readonly path: string
    }

/** `questions`: the line to the worker, which answers for itself. */
export function askerOf(probe: WorkerProbe, questions: WorkerQuestions, clock: Clock): Ask {
  if (isForNetwork(probe)) return (timeout, signal) => askOverNetwork(probe, timeout, signal, clock)
  return (timeout) => questions.ask(probe.path, timeout)
}

/** Every probe introduces itself, so that a program can leave it out of its access log. */
const userAgent = 'brood-probe'

const problems: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
}

/**
 * Undefined when all is well: it accepts connections, or answers with a status of 200 to 399. Else why not, in words. Never
 * rejects, and leaves no socket behind whatever happens.
 */
export function askOverNetwork(
  probe: NetworkProbe,
  timeout: Millis,
  signal?: AbortSignal,
  clock: Clock = systemClock,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  let connection: Socket | ClientRequest | undefined
  const settle = (problem: string | undefined): void => {
    stopTimer()
    signal?.removeEventListener('abort', abort)
    connection?.destroy()
    resolve(problem)
  }
  const abort = (): void => settle('aborted')
  const stopTimer = clock.at(clock.now() + timeout, () =>
    settle(`no answer within ${formatDuration(timeout)}`),
  )
  try {
    connection = probe.type === 'tcp' ? connectTo(probe, settle) : get(probe, settle)
    // Stays for good: what is destroyed may still report an error, which without a listener would end the supervisor.
    connection.on('error', (error) => settle(problemOf(error)))
  } catch (error) {
    settle(messageOf(error)) // a path or a port that Node refuses
  }
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  return promise
}

function isForNetwork(probe: WorkerProbe): probe is NetworkProbe {
  return probe.port !== undefined
}

function connectTo({ host, port }: NetworkProbe, settle: (problem: string | undefined) => void): Socket {
  const net = process.getBuiltinModule('node:net')
  return net.connect({ host, port }, () => settle(undefined))
}

function get(
  { host, port, path }: NetworkProbe & { type: 'http' },
  settle: (problem: string | undefined) => void,
): ClientRequest {
  const http = process.getBuiltinModule('node:http')
  // No agent: it would keep the connection, or queue the request behind others.
  const options = {
    host,
    port,
    path,
    agent: false,
    headers: { connection: 'close', 'user-agent': userAgent },
  }
  return http.get(options, (answer: IncomingMessage) => settle(problemOfStatus(answer.statusCode ?? 0)))
}

function problemOfStatus(status: number): string | undefined {
  return status >= 200 && status < 400 ? undefined : `answered ${status}`
}

function problemOf(error: unknown): string {
  const code = systemCode(error)
  if (code === undefined) return messageOf(error)
  if (code.startsWith('HPE_')) return 'the answer is not HTTP'
  return problems[code] ?? messageOf(error)
}
