// A brood of its own for one test: a home in a temporary folder, the command line, and an end that leaves nothing behind.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { AppDetail, SupervisorReport } from '../../src/daemon/control/contract.ts'
import type { HistoryEvent } from '../../src/daemon/event.ts'
import type { AppReport } from '../../src/supervisor/report.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'bin/brood.js')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The path of a fixture program. */
export function program(name: string): string {
  return join(root, 'test/fixtures/programs', name)
}

export class Brood {
  readonly home: string
  readonly #env: NodeJS.ProcessEnv
  readonly #spawned: ChildProcess[] = []
  #isOver = false

  private constructor(home: string, env: NodeJS.ProcessEnv) {
    this.home = home
    this.#env = { ...process.env, ...env, BROOD_HOME: home }
    // The test runner's own variables would make programs believe they are tests.
    delete this.#env.NODE_TEST_CONTEXT
  }

  /** Ends with the test, which fails if any process of it survives. */
  static create(t: TestContext, env: NodeJS.ProcessEnv = {}): Brood {
    const brood = new Brood(mkdtempSync(join(tmpdir(), 'brood-')), env)
    t.after(() => brood.#end())
    return brood
  }

  /** Runs the command line to its end. */
  async run(...args: string[]): Promise<Ran> {
    // A test that ran out of time may still be asking, again and again.
    assert.ok(!this.#isOver, `the test is over: brood ${args.join(' ')} was not run`)
    return this.#run(args)
  }

  #run(args: readonly string[]): Promise<Ran> {
    const { promise, resolve, reject } = Promise.withResolvers<Ran>()
    const child = spawn(process.execPath, [bin, ...args], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
    return promise
  }

  /** Runs a command that must succeed, and reads its JSON. */
  async json<T>(...args: string[]): Promise<T> {
    const ran = await this.run(...args, '--json')
    assert.equal(ran.code, 0, `brood ${args.join(' ')} failed: ${ran.stderr}${ran.stdout}`)
    return JSON.parse(ran.stdout)
  }

  /** Starts a program on a free port; its report and the port. */
  async start(script: string, ...flags: string[]): Promise<{ report: AppReport; port: number }> {
    const report = await this.launch(script, ...flags)
    return { report, port: portOf(report) }
  }

  /** Starts a program that need not listen; its report. */
  async launch(script: string, ...flags: string[]): Promise<AppReport> {
    const port = flags.includes('--env') ? [] : ['--env', 'PORT=0']
    const [options, rest] = splitAt(flags, '--')
    const ran = await this.run('start', ...options, ...port, '--json', script, ...rest)
    assert.equal(ran.code, 0, `start failed: ${ran.stderr}${ran.stdout}`)
    return JSON.parse(ran.stdout)
  }

  /** Kills the supervisor; its pid. */
  async killSupervisor(): Promise<number> {
    const { pid } = await this.json<SupervisorReport>('show')
    process.kill(pid, 'SIGKILL')
    return pid
  }

  list(): Promise<AppReport[]> {
    return this.json('list')
  }

  show(app: string): Promise<AppDetail> {
    return this.json('show', app)
  }

  async events(): Promise<HistoryEvent[]> {
    const ran = await this.run('events', '--json')
    return jsonLines(ran.stdout)
  }

  /** Settles with the first event that fits, past or to come. */
  async event(fits: (event: HistoryEvent) => boolean): Promise<HistoryEvent> {
    const child = spawn(process.execPath, [bin, 'events', '-f', '--json'], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      let text = ''
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        text += chunk
        const end = text.lastIndexOf('\n') + 1
        const found = jsonLines<HistoryEvent>(text.slice(0, end)).find(fits)
        text = text.slice(end)
        if (found !== undefined) return found
      }
      throw new Error('the events ended before the one waited for')
    } finally {
      child.kill('SIGKILL')
    }
  }

  /** The pid of a worker in that state, as soon as there is one; each look is a command of its own. */
  async waitForWorker(app: string, state: string): Promise<number> {
    for (;;) {
      const found = (await this.show(app)).workers.find((worker) => worker.state === state)
      if (found !== undefined && found.pid !== null) return found.pid
    }
  }

  /** What an app listens on, as soon as that are so many addresses; each look is a command of its own. */
  async addresses(app: string, count: number): Promise<readonly string[]> {
    for (;;) {
      const { addresses } = await this.show(app)
      if (addresses.length >= count) return addresses
    }
  }

  /** Settles when an app has written that; each look is a command of its own. */
  async waitForLog(app: string, pattern: RegExp): Promise<void> {
    for (;;) if (pattern.test((await this.run('logs', app, '-n', '1000')).stdout)) return
  }

  /** Settles when the app has that status; each look is a command of its own. */
  async waitForStatus(app: string, status: AppReport['status']): Promise<void> {
    while ((await this.show(app)).status !== status);
  }

  /** Settles when another supervisor than that one answers, and has all its workers back; its pid. */
  async replaced(pid: number): Promise<number> {
    for (;;) {
      const ran = await this.run('show', '--json')
      const now = ran.code === 0 ? Number(JSON.parse(ran.stdout).pid) : pid
      if (now === pid) continue
      const workers = (await this.list()).flatMap((app) => app.workers)
      if (workers.every(({ state }) => state !== 'returning')) return now
    }
  }

  /** A process in the foreground, such as `brood run`; ended with the test. */
  spawn(...args: string[]): ReturnType<typeof spawn> {
    const child = spawn(process.execPath, [bin, ...args], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#spawned.push(child)
    return child
  }

  /** Pids of every living process that was started under this home. */
  processes(): number[] {
    const mark = `BROOD_HOME=${this.home}\0`
    return readdirSync('/proc').flatMap((entry) => {
      if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return []
      try {
        // A zombie's environment is empty; it is dead, only not yet reaped.
        return `${readFileSync(`/proc/${entry}/environ`, 'latin1')}\0`.includes(mark) ? [Number(entry)] : []
      } catch {
        return []
      }
    })
  }

  async #end(): Promise<void> {
    this.#isOver = true
    for (const child of this.#spawned) child.kill('SIGKILL')
    const killed = await this.#run(['kill'])
    const left = this.processes()
    for (const pid of left) process.kill(pid, 'SIGKILL')
    const own = readIfThere(join(this.home, 'supervisor.log'))
    rmSync(this.home, { recursive: true, force: true })
    assert.equal(killed.code, 0, `brood kill failed: ${killed.stderr}`)
    assert.deepEqual(left, [], 'processes survived brood kill')
    assert.equal(own, '', 'the supervisor wrote to its stderr')
  }
}

export function portOf(report: AppReport, index = 0): number {
  const port = /:(\d+)$/.exec(report.addresses[index] ?? '')?.[1]
  assert.ok(port, `no port in ${JSON.stringify(report.addresses)}`)
  return Number(port)
}

export function pidsOf(report: AppReport | undefined): number[] {
  return (report?.workers ?? []).flatMap(({ pid }) => (pid === null ? [] : [pid]))
}

function jsonLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

function splitAt(args: string[], mark: string): [string[], string[]] {
  const at = args.indexOf(mark)
  return at < 0 ? [args, []] : [args.slice(0, at), args.slice(at)]
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
