// A cluster program in a process of its own, whose primary tells the test what happens.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../cluster/program.js', import.meta.url))

export interface Told {
  readonly event: string
  readonly id: number
  readonly pid: number
  readonly state: string
  readonly args: readonly unknown[]
}

export class ClusterProgram {
  readonly told: Told[] = []
  readonly primary: ChildProcess
  readonly #listeners = new Set<() => void>()

  /** Ends with the test: the primary's end is its workers' end, or else they are killed by pid. */
  constructor(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { NODE_TEST_CONTEXT: _context, ...inherited } = process.env
    this.primary = fork(program, args, { env: { ...inherited, ...env }, execArgv: [] })
    this.primary.on('message', (message) => {
      this.told.push(message as Told) // as the program sends it
      for (const listener of this.#listeners) listener()
    })
    t.after(async () => {
      if (this.primary.exitCode === null && this.primary.signalCode === null) {
        this.primary.kill('SIGKILL')
        await once(this.primary, 'exit')
      }
      for (const pid of this.pids) end(pid)
    })
  }

  /** Every worker that ever was. */
  get pids(): number[] {
    return [...new Set(this.told.flatMap(({ pid }) => (pid === undefined ? [] : [pid])))]
  }

  send(message: string | { kill: number }): void {
    this.primary.send(message)
  }

  /** Settles when `count` things of that name have been told; the last of them. */
  async event(name: string, count = 1): Promise<Told> {
    for (;;) {
      const last = this.told.filter(({ event }) => event === name)[count - 1]
      if (last !== undefined) return last
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#listeners.add(resolve)
      await promise
      this.#listeners.delete(resolve)
    }
  }

  /** The port that all `workers` listen on. */
  async port(workers: number): Promise<number> {
    const { args } = await this.event('listening', workers)
    const [where] = args as [{ port: number }] // as Node documents the event
    return where.port
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it is gone already
  }
}
