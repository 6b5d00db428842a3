// Asks a blocked worker for the JavaScript stack it is blocked in, by way of a side process that ends with the answer.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Millis } from '../kernel/clock.ts'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const program = fileURLToPath(new URL(`./capture-stack${import.meta.url.slice(-3)}`, import.meta.url))

/** Beyond `within`, for the side process to start and to end. */
const startAndEnd: Millis = 1000

/** `frames`: lines such as `at sum (/srv/app/server.js:12:5)`, innermost first. `none`: why there are none. */
export type BlockedStack = { readonly frames: readonly string[] } | { readonly none: string }

export interface StackRequest {
  readonly pid: number
  /** In all, from the signal to the answer. */
  readonly within: Millis
  /** Where the worker's stderr is a file and the system has no /proc to find it in. */
  readonly stderrFile?: string | undefined
}

/**
 * Only for a worker that is about to be killed: it opens the worker's inspector, which stays open, and holds the worker where
 * it is for a second. Kill it as soon as this has settled. Never rejects.
 *
 * A process of its own does it, because a WebSocket costs Node 16 MB, which the supervisor would not give back.
 */
export function captureStack({ pid, within, stderrFile }: StackRequest): Promise<BlockedStack> {
  const { promise, resolve } = Promise.withResolvers<BlockedStack>()
  const child = execFile(
    process.execPath,
    [program, String(pid), String(within), ...(stderrFile === undefined ? [] : [stderrFile])],
    // Not the supervisor's environment: NODE_OPTIONS may hold what must not be loaded twice.
    { timeout: within + startAndEnd, killSignal: 'SIGKILL', env: {} },
    () => resolve({ none: `no answer within ${within} ms` }),
  )
  // The answer is there before the end: the side process stays with the worker until it is killed.
  let text = ''
  child.stdout?.on('data', (chunk: string) => {
    text += chunk
    if (text.endsWith('\n')) resolve(JSON.parse(text)) // our own program wrote it
  })
  return promise
}
