// The apps of one supervisor: made by their descriptions, found by name, told of each other's sockets.
import { type AppSpec, frontName } from '../config/app-spec.ts'
import { settingsOf } from '../config/settings.ts'
import type { Clock } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import { hostPort } from '../proxy/route.ts'
import { App } from '../supervisor/app.ts'
import type { AppEvents } from '../supervisor/app-events.ts'
import type { AppSettings } from '../supervisor/app-settings.ts'
import { Releases } from '../supervisor/releases.ts'
import type { AppReport } from '../supervisor/report.ts'
import type { KeptSocket } from '../supervisor/spawned-worker.ts'
import type { Notice } from '../supervisor/state.ts'
import type { Rescue } from '../wire/birth.ts'
import type { KeptPlace } from '../wire/messages.ts'
import { inodeOf } from '../wire/socket-inode.ts'
import type { Chronicle } from './chronicle.ts'
import type { AppDetail } from './control/contract.ts'
import { RouteFollowers, workerPortsOf } from './front/routes.ts'
import { type GivenSockets, isGiven } from './given-sockets.ts'
import type { Home } from './home.ts'
import type { Line } from './inherited.ts'
import { LettingGo } from './letting-go.ts'
import { fileOutput, inheritedOutput } from './log-files.ts'
import { LogUpkeep } from './log-upkeep.ts'
import type { RememberedApp } from './state-file.ts'
import { successorEnvironment, supervisorArgs } from './supervisor-process.ts'

export interface Entry {
  spec: AppSpec
  /** The description before the latest, and its number. */
  previous: { readonly release: number; readonly spec: AppSpec } | undefined
  readonly app: App
  /** Ends what acts on the app by itself. */
  dismiss: () => void
  /** Ends a wait for what it depends on. */
  waiting: AbortController | undefined
  /** Settles when it goes on as an earlier supervisor had left it. */
  restored: Promise<void>
}

/** An app, and the slot, that a target names. */
export interface Target {
  readonly entry: Entry
  readonly slot: number | undefined
}

export interface AppsOptions {
  readonly home: Home
  readonly clock: Clock
  /** One that nobody sets, for what waits. */
  readonly steady: Clock
  readonly chronicle: Chronicle
  /** Whether workers are to go on without this supervisor; where they come back to, then. */
  readonly line: () => Line | undefined
  /** Sockets that the service manager has opened. */
  readonly given: GivenSockets
  /** Something has changed that a next supervisor has to know. */
  readonly changed: () => void
  /** An app has lost its last worker, unasked. */
  readonly fallen: (entry: Entry) => void
}

export class Apps {
  readonly #options: AppsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #lettingGo: LettingGo
  readonly #upkeep: LogUpkeep
  #isOver = false
  /** Of the proxies in front of them. */
  readonly routes: RouteFollowers = new RouteFollowers((name) => this.find(name))

  constructor(options: AppsOptions) {
    this.#options = options
    this.#lettingGo = new LettingGo(options.steady)
    this.#upkeep = new LogUpkeep(options.home.logs, (app, reason) =>
      options.chronicle.note({ type: 'warning', app, reason }),
    )
  }

  get all(): Entry[] {
    return [...this.#entries.values()]
  }

  get specs(): AppSpec[] {
    return this.all.map(({ spec }) => spec)
  }

  /** The sockets in use by all of them, and those that any of them may ask for. */
  get kept(): KeptSocket[] {
    return [...this.#options.given.kept, ...this.all.flatMap(({ app }) => app.kept)]
  }

  /** Which socket of the kernel's has that place now. */
  inodeAt(place: KeptPlace): number | undefined {
    if (isGiven(place)) return this.#options.given.inodeAt(place)
    const { app, key, slot } = place
    const socket = this.#entries.get(app)?.app.socketAt(key, slot)
    return socket === undefined ? undefined : inodeOf(socket)
  }

  find(name: string): Entry | undefined {
    return this.#entries.get(name)
  }

  /** Throws `no_such_app`. */
  get(name: string): Entry {
    const entry = this.#entries.get(name)
    if (entry !== undefined) return entry
    const names = [...this.#entries.keys()]
    const known =
      names.length === 0 ? 'there are none' : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`
    throw new BroodError('no_such_app', `no app is named '${name}': ${known}`)
  }

  /** The apps, and the slot, that a target names; throws `no_such_app`. */
  select(target: string): Target[] {
    if (target === 'all') return this.all.map((entry) => ({ entry, slot: undefined }))
    const [name = '', slotText] = target.split('/')
    const entry = this.get(name)
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

  report({ app, spec, waiting }: Entry): AppReport {
    const report = app.report()
    const addresses = spec.ports === undefined ? report.addresses : this.#addressesByPorts(spec, app)
    return { ...report, addresses, ...(waiting === undefined ? {} : { status: 'waiting' }) }
  }

  /** Clients come by the proxy, and know of nothing behind it; somebody else's has to know of each worker. */
  #addressesByPorts({ name, ports }: AppSpec, app: App): readonly string[] {
    const front = this.find(frontName(name))
    if (front?.spec.proxyOf === name) return front.app.report().addresses
    const all = workerPortsOf(app, ports?.host ?? '')
    return all.flatMap(({ host, ports: each }) => each.map((port) => hostPort({ host, port })))
  }

  async detail(name: string): Promise<AppDetail> {
    const entry = this.get(name)
    const { spec, app } = entry
    const queues = await app.queues()
    const detail = { ...this.report(entry), queues, spec, failure: this.#failureOf(app) }
    return spec.ports === undefined ? detail : { ...detail, workerPorts: workerPortsOf(app, spec.ports.host) }
  }

  /** With the time of day that people know. */
  #failureOf({ failure }: App): AppDetail['failure'] {
    const { clock, steady } = this.#options
    return failure === undefined ? null : { ...failure, at: clock.now() - (steady.now() - failure.at) }
  }

  /** `remembered`: what an earlier supervisor knew of it; `wanted`, if its workers live. */
  add(spec: AppSpec, remembered?: RememberedApp, wanted?: 'running'): Entry {
    const { name } = spec
    if (this.#isOver)
      throw new BroodError('busy', 'the supervisor is about to end: try again when it is gone')
    const previous = remembered?.previous
    const releases = new Releases(remembered?.release ?? 1, this.settings(spec))
    // After a change that no worker was replaced for, or all at once, nobody runs by the one before: both have one number.
    if (previous !== undefined && previous.release !== releases.number)
      releases.remember(previous.release, this.settings(previous.spec))
    const trusted = remembered?.trusted
    const { home, steady } = this.#options
    const logs = (): AppSpec['logs'] => this.#entries.get(name)?.spec.logs ?? spec.logs
    const output = spec.logs.to === 'files' ? fileOutput(home, name, logs) : inheritedOutput
    const app = new App(releases, output, steady, this.#eventsOf(name), { wanted, trusted })
    const entry: Entry = {
      spec,
      previous,
      app,
      dismiss: () => {},
      waiting: undefined,
      restored: Promise.resolve(),
    }
    this.#entries.set(name, entry)
    this.tend(name)
    return entry
  }

  /** Takes an entry away, or puts back what was there before it. */
  remove(entry: Entry, before?: Entry): void {
    const { name } = entry.spec
    if (this.#entries.get(name) !== entry) return
    this.#entries.delete(name)
    if (before !== undefined) this.#entries.set(name, before)
  }

  /** What workers of that description are started with. Throws when there is no such user. */
  settings(spec: AppSpec): AppSettings {
    return settingsOf(spec, this.#options.home.path)
  }

  /** From now on none is added, and none starts. */
  end(): void {
    this.#isOver = true
    for (const { app } of this.all) app.commands.end()
  }

  async close(): Promise<void> {
    await this.#upkeep.close()
  }

  /** Has rotated logs looked after, where there are any. */
  tend(name: string): void {
    const rotate = this.#entries.get(name)?.spec.logs.rotate
    if (rotate !== undefined && (rotate.size > 0 || rotate.every > 0)) this.#upkeep.tend(name, rotate)
  }

  #eventsOf(name: string): AppEvents {
    const { chronicle, changed, given, line } = this.#options
    return {
      notice: (notice, pid) => this.#record(name, notice, pid),
      started: (slot, pid) => chronicle.note({ type: 'worker-started', app: name, slot, pid }),
      warning: (reason) => chronicle.note({ type: 'warning', app: name, reason }),
      blocked: (slot, pid, reason, stack) => {
        const entry = this.#entries.get(name)
        const about = pid === undefined ? { slot, reason } : { slot, pid, reason }
        if (entry !== undefined) chronicle.blocked(entry.spec, about, stack)
      },
      rotated: () => this.tend(name),
      rebalanced: (reason) => chronicle.note({ type: 'rebalanced', app: name, reason }),
      unwritten: (slot, stream, code) =>
        chronicle.note({ type: 'worker-unwritten', app: name, slot, reason: `${stream}: ${code}` }),
      changed,
      given: (address) => given.open(address),
      opened: (socket) => {
        if (line() !== undefined) for (const { app } of this.all) app.keepers.keep(socket)
        this.routes.changed()
      },
      released: (keys) =>
        this.#lettingGo.begin(
          this.all.map(({ app }) => app),
          name,
          keys,
        ),
      hasLetGo: (app, worker, request) => this.#lettingGo.done(app, worker, request),
      kept: () => this.kept,
      rescue: (slot, mayStart) => this.#rescue(name, slot, mayStart),
    }
  }

  /** How a worker brings back a supervisor: one that is to be forgotten has no successor. */
  #rescue(name: string, slot: number, mayStart: boolean): Rescue | undefined {
    const { home } = this.#options
    const line = this.#options.line()
    // Elsewhere nobody can see whose worker a process is, so a supervisor could not take it back.
    if (line === undefined || process.platform !== 'linux') return undefined
    const index = [...this.#entries.keys()].indexOf(name)
    return {
      line: line.path,
      token: line.token,
      command: mayStart ? [process.execPath, ...supervisorArgs] : [],
      env: successorEnvironment(home),
      log: home.ownLog,
      claim: home.claim,
      rank: slot + 2 * Math.max(0, index),
    }
  }

  #record(name: string, notice: Notice, pid: number | undefined): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#options.chronicle.notice(entry.spec, notice, pid)
    if (notice.type === 'worker-exited') this.#lettingGo.gone(name, notice.worker)
    if (notice.type !== 'worker-exited' || notice.expected) return
    // One whose first start has failed was never up, and nobody has to fall with it.
    if (entry.app.state.wanted === 'stopped') return
    const isUp = [...entry.app.state.workers.values()].some(({ at }) => at === 'ready' || at === 'settling')
    if (!isUp) this.#options.fallen(entry)
  }
}

/** Ends an app with everything that belongs to it, and gives its addresses back. */
export async function end(entry: Entry): Promise<void> {
  entry.dismiss()
  entry.waiting?.abort()
  entry.app.commands.end()
  await entry.app.commands.stop()
  entry.app.close()
}

/** Just after another supervisor an app is about to go on as it was; a command is not too early, only a little later. */
export async function asItWas(entry: Entry): Promise<void> {
  // What it depends on may never be there.
  if (entry.waiting === undefined) await entry.restored
}

/** The configured port, before the first worker starts. */
export function bindPort({ spec, app }: Entry): void {
  if (spec.port === undefined || spec.port === 0) return
  app.bind([{ kind: 'tcp', host: undefined, port: spec.port, ipv6Only: false, ordinal: 0 }])
}
