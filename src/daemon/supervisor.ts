// The supervisor: all apps of one BROOD_HOME, what the control API may do with them, and what outlives it.
import { existsSync } from 'node:fs'
import type { AppSpec } from '../config/app-spec.ts'
import { settingsOf } from '../config/settings.ts'
import type { Clock } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/duration.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { App } from '../supervisor/app.ts'
import type { Notice } from '../supervisor/state.ts'
import type { ListenAddress } from '../wire/messages.ts'
import type { AppDetail, AppResult, SupervisorReport } from './control/contract.ts'
import { protocol } from './control/protocol.ts'
import type { Handlers } from './control/server.ts'
import { EventLog, type HistoryEvent } from './event-log.ts'
import type { Home } from './home.ts'
import { fileOutput, inheritedOutput, logFiles } from './log-files.ts'
import { forgetState, loadState, type RememberedApp, saveState } from './state-file.ts'

interface Entry {
  readonly spec: AppSpec
  readonly app: App
}

export class Supervisor {
  readonly #home: Home
  readonly #version: string
  readonly #clock: Clock
  readonly #events: EventLog
  readonly #apps = new Map<string, Entry>()
  readonly #startedAt: number
  /** Apps that were wanted running and could not be started again; until somebody does something with them. */
  readonly #unrestored = new Set<string>()
  /** Apps whose first start is going on: until it has succeeded there is nothing to remember. */
  readonly #starting = new Set<string>()
  readonly #onKilled: () => void
  readonly #remember: boolean
  #ending = false

  constructor(options: {
    home: Home
    version: string
    clock: Clock
    onKilled: () => void
    /** Whether apps are to come back with the next supervisor. */
    remember: boolean
  }) {
    this.#remember = options.remember
    this.#home = options.home
    this.#version = options.version
    this.#clock = options.clock
    this.#onKilled = options.onKilled
    this.#events = new EventLog(options.home.events, options.clock)
    this.#startedAt = options.clock.now()
    this.#events.add({ type: 'supervisor-started', pid: process.pid })
  }

  /** Starts again what an earlier supervisor left wanted; whoever cannot start is reported, the others go on. */
  restore(): void {
    for (const { spec, wanted, size, addresses } of loadState(this.#home)) {
      const entry = this.#add({ ...spec, workers: size })
      try {
        entry.app.bind(addresses as ListenAddress[]) // the schema of the file is that of the messages
        if (wanted === 'running') entry.app.start(false).catch((error) => this.#failed(spec.name, error))
      } catch (error) {
        // Somebody else has its address today; the wish to run is kept for the next supervisor.
        this.#unrestored.add(spec.name)
        this.#failed(spec.name, error)
      }
    }
  }

  async start(spec: AppSpec): Promise<AppDetail> {
    this.#assertStays()
    this.#assertNew(spec.name)
    if (!existsSync(spec.script)) {
      throw new BroodError('script_not_found', `there is no script ${spec.script}: check the path`)
    }
    const before = this.#apps.get(spec.name)
    const entry = this.#add(spec)
    this.#starting.add(spec.name)
    try {
      before?.app.close()
      if (spec.port !== undefined && spec.port !== 0) {
        entry.app.bind([{ kind: 'tcp', host: undefined, port: spec.port, ipv6Only: false, ordinal: 0 }])
      }
      this.#save() // a disk that is full must be known before anything runs
      await entry.app.start(true)
      this.#starting.delete(spec.name)
      this.#save()
      return this.detail(spec.name)
    } catch (error) {
      this.#starting.delete(spec.name)
      // Nothing is left half-started.
      await entry.app.stop()
      entry.app.close()
      if (this.#apps.get(spec.name) === entry) {
        this.#apps.delete(spec.name)
        if (before !== undefined) this.#apps.set(spec.name, before) // the stopped app whose name it wanted to take
      }
      this.#save()
      throw error
    }
  }

  detail(name: string): AppDetail {
    const { app, spec } = this.#entry(name)
    return { ...app.report(), spec, failure: app.failure ?? null }
  }

  /** Ends all apps; their wish to run is remembered, unless it is to be forgotten. */
  async shutDown(options: { forget: boolean }): Promise<void> {
    const entries = [...this.#apps.values()]
    if (!options.forget)
      this.#trySave() // a full disk must not keep the apps from ending in order
    else if (this.#remember) forgetState(this.#home) // `kill` counts also when a signal has come first
    this.#ending = true // commands that this cuts short must not change what was just decided to be remembered
    await Promise.all(entries.map(({ app }) => app.stop()))
    for (const { app } of entries) app.close()
    this.#events.add({ type: 'supervisor-stopped', pid: process.pid })
  }

  /** Calls `follower` for every event to come. */
  follow(follower: (event: HistoryEvent) => void): () => void {
    return this.#events.follow(follower)
  }

  /** For somebody who will not wait for a grace period. */
  killAll(): void {
    for (const { app } of this.#apps.values()) app.kill()
  }

  get handlers(): Handlers {
    return {
      status: () => this.#status(),
      list: () => [...this.#apps.values()].map(({ app }) => app.report()),
      show: ({ app }) => this.detail(app),
      start: ({ spec }) => this.start(spec),
      reload: ({ target }) => {
        this.#assertStays()
        return this.#each(target, (entry, slot) => entry.app.reload(slot === undefined ? undefined : [slot]))
      },
      restart: ({ target }) => {
        this.#assertStays()
        return this.#each(whole(target, 'restart'), ({ app }) => app.restart())
      },
      stop: ({ target }) => this.#each(whole(target, 'stop'), ({ app }) => app.stop()),
      delete: ({ target }) =>
        this.#each(whole(target, 'delete'), async ({ app, spec }) => {
          await app.stop()
          app.close()
          this.#apps.delete(spec.name)
        }),
      scale: ({ app, change }) => this.#scale(app, change),
      signal: ({ target, signal }) => ({
        reached: this.#select(target).reduce(
          (sum, { entry, slot }) => sum + entry.app.signal(signal, slot),
          0,
        ),
      }),
      logs: ({ target }) =>
        this.#select(target).flatMap(({ entry, slot }) => {
          const { name, maxWorkers, logs } = entry.spec
          if (logs === 'inherit') return []
          const slots = slot === undefined ? Array.from({ length: maxWorkers }, (_, index) => index) : [slot]
          return slots.flatMap((index) => logFiles(this.#home, name, index))
        }),
      events: ({ app, follow }, write) => {
        const latest = this.#events.latest(app)
        if (app !== undefined && latest.length === 0) this.#entry(app) // neither there now nor remembered
        for (const event of latest) write(event)
        return follow
          ? this.#events.follow((event) => (app === undefined || event.app === app) && write(event))
          : () => {}
      },
      kill: async () => {
        const apps = this.#apps.size
        await this.shutDown({ forget: true })
        setImmediate(this.#onKilled) // after the answer
        return { apps }
      },
    }
  }

  #status(): SupervisorReport {
    return {
      pid: process.pid,
      version: this.#version,
      protocol,
      node: process.versions.node,
      home: this.#home.path,
      uptime: this.#clock.now() - this.#startedAt,
      rss: process.memoryUsage.rss(),
      apps: this.#apps.size,
    }
  }

  async #scale(name: string, change: string): Promise<ReturnType<App['report']>> {
    this.#assertStays()
    const { app, spec } = this.#entry(name)
    const size = /^[+-]/.test(change) ? app.state.size + Number(change) : Number(change)
    if (size < 1)
      throw new BroodError(
        'usage',
        `'${name}' cannot have ${size} workers: 1 is the least, 'brood stop' ends all`,
      )
    if (size > spec.maxWorkers) {
      throw new BroodError(
        'usage',
        `'${name}' can have at most ${spec.maxWorkers} workers: delete it and start it with --max-workers ${size}`,
      )
    }
    await app.scale(size)
    this.#save()
    return app.report()
  }

  /** Does something to every app a target names; with `all` or one app alike, each failure is told with its app. */
  async #each(
    target: string,
    act: (entry: Entry, slot: number | undefined) => Promise<void>,
  ): Promise<AppResult[]> {
    const results = await Promise.all(
      this.#select(target).map(async ({ entry, slot }): Promise<AppResult> => {
        const app = entry.spec.name
        try {
          this.#unrestored.delete(app)
          await act(entry, slot)
          return { app, report: entry.app.report() }
        } catch (error) {
          if (!(error instanceof BroodError)) throw error
          return { app, error: { code: error.code, message: error.message, detail: error.detail } }
        }
      }),
    )
    this.#trySave() // it is done; what cannot be written now is written with the next change
    return results
  }

  #select(target: string): { entry: Entry; slot: number | undefined }[] {
    if (target === 'all') return [...this.#apps.values()].map((entry) => ({ entry, slot: undefined }))
    const [name = '', slotText] = target.split('/')
    const entry = this.#entry(name)
    if (slotText === undefined) return [{ entry, slot: undefined }]
    const slot = Number(slotText)
    if (slot >= entry.app.state.size) {
      throw new BroodError(
        'no_such_app',
        `'${name}' has the slots 0 to ${entry.app.state.size - 1}, not ${slot}`,
      )
    }
    return [{ entry, slot }]
  }

  #entry(name: string): Entry {
    const entry = this.#apps.get(name)
    if (entry !== undefined) return entry
    const names = [...this.#apps.keys()]
    const known =
      names.length === 0 ? 'there are none' : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`
    throw new BroodError('no_such_app', `no app is named '${name}': ${known}`)
  }

  /** What is begun while the supervisor ends would end with it, and nobody would remember it. */
  #assertStays(): void {
    if (this.#ending)
      throw new BroodError('busy', 'the supervisor is about to end: try again when it is gone')
  }

  /** A name is free when nobody has it, or when its app was stopped: then the new one takes its place. */
  #assertNew(name: string): void {
    const state = this.#apps.get(name)?.app.state
    if (state === undefined || (state.wanted === 'stopped' && state.workers.size === 0)) return
    throw new BroodError(
      'app_exists',
      `'${name}' is running: 'brood reload ${name}' replaces its workers, --name starts another`,
    )
  }

  #add(spec: AppSpec): Entry {
    const { name } = spec
    const output = spec.logs === 'files' ? fileOutput(this.#home, name) : inheritedOutput
    const app = new App(settingsOf(spec, this.#home.path), output, this.#clock, {
      notice: (notice, pid) => this.#record(name, notice, pid),
      unwritten: (slot, stream, code) =>
        this.#events.add({ type: 'worker-unwritten', app: name, slot, reason: `${stream}: ${code}` }),
      learned: () => this.#trySave(),
    })
    const entry = { spec, app }
    this.#apps.set(name, entry)
    return entry
  }

  #record(app: string, notice: Notice, pid: number | undefined): void {
    if (notice.type === 'refused') return
    const event: Omit<HistoryEvent, 'at'> = {
      type: notice.type,
      app,
      ...('slot' in notice ? { slot: notice.slot } : {}),
      ...(pid === undefined ? {} : { pid }),
      ...('reason' in notice ? { reason: notice.reason } : {}),
      ...(notice.type === 'worker-backoff'
        ? { reason: `the next try is in ${formatDuration(notice.delay)}` }
        : {}),
    }
    this.#events.add(event)
  }

  #failed(app: string, error: unknown): void {
    this.#events.add({ type: 'start-failed', app, reason: messageOf(error) })
  }

  #save(): void {
    if (!this.#remember || this.#ending) return
    const known = [...this.#apps.values()].filter(({ spec }) => !this.#starting.has(spec.name))
    const apps = known.map(
      ({ spec, app }): RememberedApp => ({
        spec,
        wanted: this.#unrestored.has(spec.name) ? 'running' : app.state.wanted,
        size: app.state.size,
        addresses: [...app.addresses] as RememberedApp['addresses'],
      }),
    )
    saveState(this.#home, apps)
  }

  /** For changes nobody asked for: a state that cannot be written now is written with the next. */
  #trySave(): void {
    try {
      this.#save()
    } catch (error) {
      this.#events.add({ type: 'worker-unwritten', reason: messageOf(error) })
    }
  }
}

/** For what concerns an app as a whole. */
function whole(target: string, command: string): string {
  if (!target.includes('/')) return target
  const [name] = target.split('/')
  throw new BroodError(
    'usage',
    `${command} takes a whole app: use ${name}, or 'brood reload ${target}' for one slot`,
  )
}
