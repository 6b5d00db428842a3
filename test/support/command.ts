// The command line in other circumstances than usual: another user, another Node, another home, under other programs.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Ran } from './brood.ts'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))
export const bin: string = fileURLToPath(new URL('../../bin/brood.js', import.meta.url))

/** A user without any rights, on every Linux. */
export const nobody = 65_534

export interface Circumstances {
  readonly home: string
  /** Whose process it is; only root may choose. */
  readonly uid?: number
  readonly node?: string
  readonly nodeArgs?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Runs the command line to its end. */
export function brood(args: readonly string[], circumstances: Circumstances): Promise<Ran> {
  const { node = process.execPath, nodeArgs = [] } = circumstances
  return ranOf(start(node, [...nodeArgs, bin, ...args], circumstances))
}

/** Runs a program to its end, with everything it says. */
export function ranOf(child: ChildProcess): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>()
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.once('error', reject)
  child.once('close', (code) => resolve({ code, stdout, stderr }))
  return promise
}

export function start(
  command: string,
  args: readonly string[],
  { home, uid, env }: Circumstances,
): ChildProcess {
  const environment = environmentOf(home, env)
  const user = uid === undefined ? {} : { uid, gid: uid }
  return spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], ...user })
}

export function environmentOf(home: string, env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const all: NodeJS.ProcessEnv = { ...process.env, ...env, BROOD_HOME: home }
  // The test runner's own variables would make programs believe they are tests.
  delete all.NODE_TEST_CONTEXT
  return all
}

/** A process that runs beside the test and ends with it; what it says can be waited for. */
export class Beside {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
  readonly #waiting = new Set<() => void>()
  #said = ''
  #over = false

  constructor(t: TestContext, child: ChildProcess) {
    this.child = child
    t.after(() => {
      child.kill('SIGKILL')
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text
        this.#wake()
      })
    }
    this.ended = ranOf(child)
    this.ended.finally(() => {
      this.#over = true
      this.#wake()
    })
  }

  /** Settles when the pattern has been said, on stdout or stderr. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#said)
      if (found !== null) return found
      assert.ok(!this.#over, `ended before it said ${pattern}: ${this.#said}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

/** Refused as it should be: the exit code, one line on stderr that says all of that, nothing on stdout. */
export function assertRefused(ran: Ran, code: number, ...says: RegExp[]): void {
  const told = JSON.stringify(ran)
  assert.equal(ran.code, code, told)
  assert.equal(ran.stdout, '', told)
  const [line = '', ...rest] = ran.stderr.trimEnd().split('\n')
  assert.match(line, /^brood: \S/, told)
  // A program's own last words may follow, marked as such.
  assert.deepEqual(
    rest.filter((one) => !one.startsWith('  | ')),
    [],
    'more than one line',
  )
  for (const pattern of says) assert.match(line, pattern)
}
