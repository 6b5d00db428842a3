// A test that starts processes: it has a watchdog, and it fails when anything it started is still there at its end.
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface ProcessTest {
  /** Aborts when the test takes too long. */
  readonly signal: AbortSignal
  /** Empty at the start, removed at the end. */
  readonly folder: string
  /** In the environment of everything started; a test that gives its own environment passes it on. */
  readonly mark: Readonly<Record<string, string>>
}

const watchdog = 30_000
/** What was just killed takes a moment to go. */
const patience = 3000

/** The path of a program in `test/process/programs/`. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`../../process/programs/${name}`, import.meta.url))
}

export function processTest(name: string, body: (context: ProcessTest) => Promise<void>): void {
  test(name, { timeout: watchdog }, async ({ signal }) => {
    const mark = `brood-test-${randomUUID()}`
    const folder = mkdtempSync(join(tmpdir(), 'brood-process-'))
    const endAll = (): void => kill(marked(mark))
    // Without the kill a process that hangs would keep the body waiting, and the test file too.
    signal.addEventListener('abort', endAll, { once: true })
    Object.assign(process.env, { BROOD_TEST_MARK: mark, BROOD_TEST_FOLDER: folder })
    let failure: unknown
    try {
      await body({ signal, folder, mark: { BROOD_TEST_MARK: mark } })
    } catch (error) {
      failure = error ?? new Error('the test threw nothing')
    } finally {
      delete process.env.BROOD_TEST_MARK
      delete process.env.BROOD_TEST_FOLDER
      signal.removeEventListener('abort', endAll)
      rmSync(folder, { recursive: true, force: true })
    }
    const left = failure === undefined ? await leftBehind(mark) : marked(mark)
    kill(left)
    if (failure !== undefined) throw failure
    if (left.length > 0) throw new Error(`left running: ${left.map(describe).join('; ')}`)
  })
}

async function leftBehind(mark: string): Promise<number[]> {
  const deadline = performance.now() + patience
  let left = marked(mark)
  while (left.length > 0 && performance.now() < deadline) {
    await delay(20)
    left = marked(mark)
  }
  return left
}

/** Live processes that carry the mark; a zombie's environment is empty. */
function marked(mark: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && readProcess(pid, 'environ').includes(mark))
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

function describe(pid: number): string {
  return `${pid} ${readProcess(pid, 'cmdline').replaceAll('\0', ' ')}`
}

function readProcess(pid: number, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** Is there such a process, zombies aside? */
export function isAlive(pid: number): boolean {
  return readProcess(pid, 'cmdline') !== ''
}

/** Settles when none of them is there any more; the test's watchdog ends the wait. */
export async function gone(pids: readonly number[], signal: AbortSignal): Promise<void> {
  while (pids.some(isAlive)) await delay(10, undefined, { signal })
}

/** Settles when the program has written the file `ready` into the test's folder: its handlers are in place. */
export async function ready({ folder, signal }: ProcessTest): Promise<void> {
  const appeared = Promise.withResolvers<void>()
  const watcher = watch(folder, { signal }, () => appeared.resolve())
  // Looked at after the watch began, so that the file cannot appear unseen in between.
  if (existsSync(join(folder, 'ready'))) appeared.resolve()
  await appeared.promise
  watcher.close()
}
