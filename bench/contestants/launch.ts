// Starts a contestant in a place of its own, waits until all its workers answer, and leaves nothing behind.
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { whoAnswers } from '../measures/who-answers.ts'
import { freePort } from '../system/free-port.ts'
import { endMarked, markedProcesses } from '../system/processes.ts'
import type { Contestant, Place, Started } from './contestant.ts'

export interface Running extends AsyncDisposable {
  readonly contestant: Contestant
  readonly port: number
  readonly home: string
  readonly environment: NodeJS.ProcessEnv
  readonly workers: number
  readonly supervisor: number | undefined
  /** All processes that do its work: workers, primary, daemon. */
  pids(): number[]
}

const startPatience = 30_000
const endPatience = 5_000

export async function launch(contestant: Contestant, workers: number, signal: AbortSignal): Promise<Running> {
  signal.throwIfAborted()
  await using undo = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'brood-bench-'))
  undo.defer(() => rm(home, { recursive: true, force: true }))
  const outputFile = join(home, 'output.log')
  const output = openSync(outputFile, 'a')
  undo.defer(() => closeSync(output))
  undo.defer(() => endAll(contestant, home))

  const port = await freePort()
  const expected = contestant.shape === 'single' ? 1 : workers
  const place: Place = { home, port, workers, output, signal, environment: markedEnvironment(home, port) }
  const pids = () => markedProcesses(home).map(({ pid }) => pid)

  const started = await contestant.start(place)
  undo.defer(() => endPolitely(contestant, started))
  try {
    const members = await awaitWorkers(port, expected, signal)
    if (started.supervisor !== undefined) members.add(started.supervisor)
    checkMembers(members, pids())
  } catch (cause) {
    signal.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    const log = (await readFile(outputFile, 'utf8')).trim().split('\n').slice(-10).join('\n')
    throw new Error(`${contestant.title}: ${reason}${log && `; its output ends with:\n${log}`}`, { cause })
  }

  const ending = undo.move()
  return {
    contestant,
    port,
    home,
    environment: place.environment,
    workers: expected,
    supervisor: started.supervisor,
    pids,
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  }
}

/** Starts contestants beside each other, and ends all of them together, also when one of them fails to start. */
export async function launchAll(contestants: readonly Contestant[], workers: number, signal: AbortSignal) {
  await using undo = new AsyncDisposableStack()
  const all: Running[] = []
  for (const contestant of contestants) all.push(undo.use(await launch(contestant, workers, signal)))
  const ending = undo.move()
  return { all, [Symbol.asyncDispose]: () => ending.disposeAsync() }
}

/** The mark is the home's path in the environment: children inherit it, and no other process has it. */
function markedEnvironment(home: string, port: number): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_CHANNEL_FD: _channel, ...inherited } = process.env
  return {
    ...inherited,
    // So that whoever looks for `node` gets the one that runs this benchmark.
    PATH: `${dirname(process.execPath)}:${inherited.PATH ?? ''}`,
    BENCH_HOME: home,
    PORT: String(port),
    NODE_ENV: 'production',
  }
}

async function awaitWorkers(port: number, expected: number, signal: AbortSignal): Promise<Set<number>> {
  const seen = new Set<number>()
  const deadline = performance.now() + startPatience
  let problem = 'no answer'
  while (performance.now() < deadline) {
    try {
      // Many at once, because the kernel hands connections to whoever wakes up: one at a time may always be the same.
      for (const pid of (await whoAnswers(port, expected * 16, signal)).keys()) seen.add(pid)
      if (seen.size >= expected) return seen
      problem = `only ${seen.size} answered`
    } catch (cause) {
      signal.throwIfAborted()
      problem = cause instanceof Error ? cause.message : String(cause)
    }
    await delay(50, undefined, { signal })
  }
  throw new Error(`its ${expected} workers did not all answer within ${startPatience / 1000} s: ${problem}`)
}

/** Guards the mark: a process that works but does not carry it would be missing from every figure. */
function checkMembers(members: ReadonlySet<number>, pids: readonly number[]): void {
  const strangers = [...members.difference(new Set(pids))]
  if (strangers.length > 0) throw new Error(`processes ${strangers.join(', ')} do not carry its mark`)
}

async function endPolitely(contestant: Contestant, started: Started): Promise<void> {
  try {
    await started.end()
  } catch (cause) {
    // Not fatal: what is still there is killed next, and said.
    console.error(`${contestant.title} could not be ended: ${cause instanceof Error ? cause.message : cause}`)
  }
}

async function endAll(contestant: Contestant, home: string): Promise<void> {
  const killed = await endMarked(home, endPatience)
  if (killed > 0) console.error(`${contestant.title} left ${killed} processes behind; they were killed`)
}
