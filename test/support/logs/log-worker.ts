// A worker as the supervisor starts one, with the preload and a log of its own, but without a supervisor.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { asWorkerMessage } from '../../../src/supervisor/worker-messages.ts'
import { type Birth, birthVariable, type LogBirth } from '../../../src/wire/birth.ts'
import { Channel } from '../../../src/wire/channel.ts'
import type { LogStream } from '../../../src/wire/log-line.ts'
import { logName, parseRotatedName } from '../../../src/wire/log-name.ts'
import type { SupervisorMessage, WorkerMessage } from '../../../src/wire/messages.ts'
import { temporaryFolder } from '../temporary.ts'

const preload = fileURLToPath(new URL('../../../src/worker/preload.ts', import.meta.url))
const control = 4

export interface LogWorker {
  readonly child: ChildProcess
  readonly messages: WorkerMessage[]
  /** Settles with how it ended, when all its messages are there. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>
}

const workersOf = new Map<string, ChildProcess[]>()

/** A folder for logs, gone after the test: what ends with a test ends in the order it began, and workers have to go first. */
export function logFolder(t: TestContext): string {
  const workers: ChildProcess[] = []
  t.after(() =>
    Promise.all(
      workers
        .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
        .map((child) => {
          child.kill('SIGKILL')
          return once(child, 'exit')
        }),
    ),
  )
  const folder = temporaryFolder(t)
  workersOf.set(folder, workers)
  return folder
}

/** Starts a program as worker of slot 0 of the app `web`; it ends with the test. */
export function logWorker(
  t: TestContext,
  folder: string,
  settings: Partial<LogBirth>,
  program: string,
  ...args: string[]
): LogWorker {
  const files = { stdout: pathOf(folder, 'stdout'), stderr: pathOf(folder, 'stderr') }
  const logs: LogBirth = { format: 'raw', rotate: { size: 0, every: 0 }, files, ...settings }
  const birth: Birth = {
    app: 'web',
    slot: 0,
    worker: 1,
    release: 1,
    control,
    sockets: {},
    held: [],
    logs,
  }
  const [out, err] = [openSync(files.stdout, 'a', 0o600), openSync(files.stderr, 'a', 0o600)]
  const child = spawn(process.execPath, ['--require', preload, program, ...args], {
    env: { ...process.env, [birthVariable]: JSON.stringify(birth) },
    stdio: ['ignore', out, err, 'ipc', 'pipe'],
  })
  closeSync(out)
  closeSync(err)
  t.after(() => child.kill('SIGKILL'))
  workersOf.get(folder)?.push(child)
  const messages: WorkerMessage[] = []
  const closed = Promise.withResolvers<void>()
  const line = child.stdio[control]
  if (!(line instanceof Socket)) throw new Error('the worker has no control channel')
  new Channel<WorkerMessage, SupervisorMessage>(line, asWorkerMessage, {
    message: (message) => messages.push(message),
    close: () => closed.resolve(),
  })
  const exited = once(child, 'exit')
  const ended = Promise.all([exited, closed.promise]).then(([[code, signal]]) => ({ code, signal }))
  return { child, messages, ended }
}

export function pathOf(folder: string, stream: LogStream): string {
  return join(folder, logName('web', 0, stream))
}

/** What a stream's files hold, the oldest first, the one that is written to last. */
export function contents(folder: string, stream: LogStream): string[] {
  const rotated = readdirSync(folder).filter((name) => parseRotatedName(name)?.stream === stream)
  return [...rotated.sort(), logName('web', 0, stream)].map((name) => {
    const bytes = readFileSync(join(folder, name))
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  })
}

/** Every line of a stream; fails if the last one is not whole. */
export function linesOf(folder: string, stream: LogStream): string[] {
  return contents(folder, stream).flatMap((text) => {
    const lines = text.split('\n')
    if (lines.pop() !== '')
      throw new Error(`a file ends with half a line: ${JSON.stringify(text.slice(-100))}`)
    return lines
  })
}
