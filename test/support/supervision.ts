/** A home's supervisor as seen from outside, across its deaths: asks it without the command line, and waits for the next one. */
import assert from 'node:assert/strict'
import { readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { AppSpec } from '../../src/config/app-spec.ts'
import type { StartFlags } from '../../src/config/flag-fields.ts'
import { specFromFlags } from '../../src/config/from-flags.ts'
import { ControlClient } from '../../src/daemon/control/client.ts'
import type { HistoryEvent } from '../../src/daemon/event.ts'
import { version } from '../../src/daemon/version.ts'
import { BroodError } from '../../src/kernel/errors.ts'
import type { AppReport } from '../../src/supervisor/report.ts'
import type { Brood } from './brood.ts'

type Fits = (apps: AppReport[]) => boolean

export class Supervision {
  readonly client: ControlClient
  readonly #brood: Brood

  constructor(brood: Brood) {
    this.#brood = brood
    this.client = new ControlClient(join(brood.home, 'control.sock'), version)
  }

  async pid(): Promise<number> {
    return (await this.client.call('status', {})).pid
  }

  async kill(): Promise<number> {
    const pid = await this.pid()
    process.kill(pid, 'SIGKILL')
    return pid
  }

  list(): Promise<AppReport[]> {
    return this.client.call('list', {})
  }

  /** Performs a command on one app, which must succeed. */
  async act(name: 'reload' | 'restart' | 'stop' | 'delete', app: string): Promise<void> {
    const [result] = await this.client.call(name, { target: app })
    assert.equal(result?.error, undefined, `${name} ${app}: ${result?.error?.message}`)
  }

  start(script: string, flags: StartFlags): Promise<AppReport> {
    return this.client.call('start', { spec: this.spec(script, flags) })
  }

  spec(script: string, flags: StartFlags): AppSpec {
    const environment: NodeJS.ProcessEnv = { ...process.env }
    delete environment.NODE_TEST_CONTEXT
    return specFromFlags(script, [], flags, 'files', environment)
  }

  /** The first answer to `list`, of the supervisor that is there or of the next. */
  async back(signal: AbortSignal): Promise<AppReport[]> {
    // A supervisor that begins to listen makes a new socket file.
    const socket = watching(this.#brood.home, 'control.sock', signal)
    try {
      for (;;) {
        const moved = socket.next()
        try {
          return await this.list()
        } catch (error) {
          if (!(error instanceof BroodError) || !isAbsence(error)) throw error
        }
        await moved
      }
    } finally {
      socket.close()
    }
  }

  /** Settles as soon as what `list` says fits, across the deaths of supervisors. */
  async until(fits: Fits, signal: AbortSignal): Promise<AppReport[]> {
    for (;;) {
      let apps = await this.back(signal)
      if (fits(apps)) return apps
      // One event of the past: then the stream has begun, and nothing that is still to come is missed.
      const events = this.client.events({ follow: true, limit: 1 })
      try {
        for (;;) {
          const { done } = await orAborted(events.next(), signal)
          if (done === true) break
          apps = await this.list()
          if (fits(apps)) return apps
        }
      } catch (error) {
        if (signal.aborted) throw new Error(`waited in vain: ${describe(apps)}`, { cause: error })
        if (!(error instanceof BroodError ? isAbsence(error) : isReset(error))) throw error
      } finally {
        void events.return(undefined).catch(() => {})
      }
    }
  }

  /** Settles with the first event that fits, past or to come, of the supervisor that is there. */
  async event(fits: (event: HistoryEvent) => boolean, signal: AbortSignal): Promise<HistoryEvent> {
    const events = this.client.events({ follow: true })
    try {
      for (;;) {
        const { done, value } = await orAborted(events.next(), signal)
        if (done === true) throw new Error('the events ended before the one waited for')
        if (fits(value)) return value
      }
    } finally {
      void events.return(undefined).catch(() => {})
    }
  }

  /** Every process that is, or is about to become, a supervisor of this home. */
  supervisors(): number[] {
    return this.#brood.processes().filter((pid) => isSupervisor(pid))
  }
}

/** Whether all slots of all apps are occupied by a ready worker, and nobody else is there. */
export function atRest(apps: readonly AppReport[]): boolean {
  return apps.every(
    ({ status, workers, size }) =>
      status === 'stopped' ||
      (status === 'running' && workers.length === size && workers.every(({ state }) => state === 'ready')),
  )
}

/** Settles with the file's first content. */
export async function firstContent(folder: string, file: string, signal: AbortSignal): Promise<string> {
  const changes = watching(folder, file, signal)
  try {
    for (;;) {
      const changed = changes.next()
      const content = readIfThere(join(folder, file))
      if (content !== '') return content
      await changed
    }
  } finally {
    changes.close()
  }
}

function describe(apps: readonly AppReport[]): string {
  return JSON.stringify(
    apps.map(({ name, status, size, workers }) => ({
      name,
      status,
      size,
      workers: workers.map(({ slot, pid, state }) => `${slot} ${pid} ${state}`),
    })),
  )
}

interface Watching {
  /** Settles with the file's next change. */
  next(): Promise<void>
  close(): void
}

function watching(folder: string, file: string, signal: AbortSignal): Watching {
  let waiting = Promise.withResolvers<void>()
  const watcher = watch(folder, (_change, name) => {
    if (name === file) waiting.resolve()
  })
  const abort = (): void => waiting.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return {
    next() {
      waiting = Promise.withResolvers()
      waiting.promise.catch(() => {}) // nobody may be waiting any more
      if (signal.aborted) abort()
      return waiting.promise
    },
    close() {
      signal.removeEventListener('abort', abort)
      watcher.close()
    },
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {})
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Nobody listens, or who listened was killed in the middle of an answer. */
function isAbsence({ code }: BroodError): boolean {
  return code === 'no_supervisor' || code === 'supervisor_unreachable'
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}

function isSupervisor(pid: number): boolean {
  const command = readIfThere(`/proc/${pid}/cmdline`)
  return command.startsWith('brood supervisor') || command.includes('/daemon/main.')
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
