// Looks after rotated logs: has them compressed and the oldest removed by a side program, one at a time.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../kernel/errors.ts'

/** Of the same kind as this file: compiled in an installation, TypeScript in a checkout. */
const program = fileURLToPath(new URL(`./tidy-logs${import.meta.url.slice(-3)}`, import.meta.url))

export interface UpkeepRules {
  /** Rotated files kept of each stream of each slot. */
  readonly keep: number
  readonly gzip: boolean
}

/**
 * Whatever happens to a side program, or to the supervisor, no log line is lost or doubled: the next one goes on from what it finds.
 * A file that some process still has open for writing stays as it is until the next time.
 */
export class LogUpkeep {
  readonly #folder: string
  readonly #failed: (app: string, reason: string) => void
  readonly #waiting = new Map<string, UpkeepRules>()
  #running: ChildProcess | undefined
  #idle = Promise.resolve()
  #closed = false

  constructor(folder: string, failed: (app: string, reason: string) => void) {
    this.#folder = folder
    this.#failed = failed
  }

  /** To be called when the app's supervision begins, when a worker has rotated a file, and when one has ended. */
  tend(app: string, rules: UpkeepRules): void {
    if (this.#closed) return
    this.#waiting.set(app, rules)
    if (this.#running === undefined) this.#idle = this.#work()
  }

  /** Settles when nothing is left to do. */
  idle(): Promise<void> {
    return this.#idle
  }

  /** Ends the side program where it is. */
  async close(): Promise<void> {
    this.#closed = true
    this.#waiting.clear()
    this.#running?.kill('SIGKILL')
    await this.#idle
  }

  async #work(): Promise<void> {
    for (const [app, rules] of this.#waiting) {
      this.#waiting.delete(app)
      const reason = await this.#run(app, rules)
      if (reason !== undefined && !this.#closed) this.#failed(app, reason)
    }
    this.#running = undefined
  }

  /** Settles with what went wrong. */
  async #run(app: string, { keep, gzip }: UpkeepRules): Promise<string | undefined> {
    const args = [program, this.#folder, app, `${keep}`, gzip ? 'gzip' : 'plain']
    let errors = ''
    try {
      // Without the environment: it is no worker, and nobody is to take it for one.
      const child = spawn(process.execPath, args, { env: {}, stdio: ['pipe', 'ignore', 'pipe'] })
      this.#running = child
      const closed = once(child, 'close')
      // Neither is there when no descriptor was left to start it with.
      const { stdin, stderr }: ChildProcess = child
      stderr?.setEncoding('utf8').on('data', (text: string) => {
        errors = (errors + text).slice(-4096)
      })
      stdin?.on('error', () => {}) // it has ended; its exit tells how
      const [code, signal] = await closed
      if (code === 0) return undefined
      return `logs could not be tidied: ${signal ?? errors.match(/^\w*Error: .*$/m)?.[0] ?? `code ${code}`}`
    } catch (error) {
      return `logs could not be tidied: ${messageOf(error)}`
    }
  }
}
