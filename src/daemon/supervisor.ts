// The supervisor of one BROOD_HOME: how it begins, goes on where another ended, leaves to a successor, and ends.
import { writeFileSync } from 'node:fs'
import type { Clock } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { signalProcess } from '../process/tree.ts'
import type { RememberedAddress } from '../supervisor/addresses.ts'
import type { App } from '../supervisor/app.ts'
import type { KeptSocket } from '../supervisor/spawned-worker.ts'
import type { WorkerConnection } from '../supervisor/worker-line.ts'
import { closeSocket } from '../wire/any-socket.ts'
import type { BackMessage } from '../wire/messages.ts'
import { Apps, type Entry, end } from './apps.ts'
import { isBetterHeir, staleOf } from './better-heir.ts'
import { Chronicle } from './chronicle.ts'
import { Commands, inReverse } from './commands.ts'
import { Companions } from './companions.ts'
import type { SupervisorReport } from './control/contract.ts'
import { protocol } from './control/protocol.ts'
import type { HistoryEvent } from './event.ts'
import { EventHistory } from './event-history.ts'
import { asInstalled } from './front/front.ts'
import { type GivenSockets, isGiven } from './given-sockets.ts'
import type { Home } from './home.ts'
import type { Line } from './inherited.ts'
import { Memory } from './memory.ts'
import { loadState, type RememberedApp } from './state-file.ts'
import { startSuccessor } from './succession.ts'
import { endHeirs, endRemains, endWorkers, type FoundWorker } from './survivors.ts'

/** After so long without one a supervisor may leave to another again. */
const leavesEvery = 10_000

/** How long a worker that nobody takes back may take to end, in milliseconds. */
const orphanGrace = 10_000

export interface SupervisorOptions {
  readonly home: Home
  readonly version: string
  readonly clock: Clock
  /** One that nobody sets, for what waits. */
  readonly steady: Clock
  readonly onKilled: () => void
  /** To leave at once, and everything as it is. */
  readonly onReplaced: () => void
  /** Where workers are to come back to, unless the state says. */
  readonly newLine: () => Line
  /** Sockets that the service manager has opened. */
  readonly given: GivenSockets
  /** Whether apps are to come back with the next supervisor. */
  readonly remember: boolean
}

export class Supervisor {
  readonly apps: Apps
  readonly commands: Commands
  readonly history: EventHistory
  readonly #options: SupervisorOptions
  readonly #chronicle: Chronicle
  readonly #companions: Companions
  readonly #memory: Memory
  readonly #startedAt: number
  /** Those of whom no app is known any more. */
  readonly #leaving: Promise<void>[] = []
  #isEnding = false
  #line: Line

  constructor(options: SupervisorOptions) {
    const { home, clock, steady, version, given, remember } = options
    this.#options = options
    this.#line = options.newLine()
    this.#startedAt = steady.now()
    this.history = new EventHistory(home.events, clock)
    const chronicle = new Chronicle(this.history, home, version, clock, steady)
    const memory = new Memory(
      home,
      remember,
      chronicle,
      () => this.apps,
      () => this.#line,
    )
    this.apps = new Apps({
      home,
      clock,
      steady,
      chronicle,
      given,
      line: () => (remember ? this.#line : undefined),
      changed: () => memory.trySave(),
      fallen: (entry) => void this.#companions.fallen(entry),
    })
    this.#chronicle = chronicle
    this.#memory = memory
    this.#companions = new Companions(home, clock, steady, this.apps, chronicle, memory)
    this.commands = new Commands(this.apps, chronicle, this.#companions, memory)
  }

  /** Where workers come back to. */
  get line(): Line {
    return this.#line
  }

  status(): SupervisorReport {
    const { version, home, steady } = this.#options
    return {
      pid: process.pid,
      version,
      protocol,
      node: process.versions.node,
      home: home.path,
      uptime: steady.now() - this.#startedAt,
      rss: process.memoryUsage.rss(),
      apps: this.apps.all.length,
    }
  }

  /** Calls `follower` for every event to come. */
  follow(follower: (event: HistoryEvent) => void): () => void {
    return this.history.follow(follower)
  }

  // ── after another supervisor ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Goes on where an earlier supervisor ended: its living workers are expected back, what it left wanted is started;
   * whoever cannot start is reported, the others go on.
   */
  restore(sockets: readonly KeptSocket[], workers: readonly FoundWorker[]): void {
    const isReplacement = workers.length > 0
    const loaded = this.#options.remember ? loadState(this.#options.home) : undefined
    this.history.add({
      type: isReplacement ? 'supervisor-replaced' : 'supervisor-started',
      pid: process.pid,
    })
    if (loaded === undefined) return
    const { state, unreadable } = loaded
    if (unreadable !== undefined) this.history.add({ type: 'state-unreadable', reason: unreadable })
    this.#line = state?.line ?? this.#options.newLine()
    const known = new Set(state?.apps.map(({ spec }) => spec.name))
    for (const remembered of (state?.apps ?? []).map(asRememberedNow)) {
      const { name } = remembered.spec
      const own = workers.filter(({ birth }) => birth.app === name)
      const left = sockets.filter(({ app }) => app === name)
      this.#restoreApp(remembered, left, own)
    }
    for (const one of sockets) if (!known.has(one.app) && !isGiven(one)) closeSocket(one.socket)
    // Workers of an app nobody knows: its first start was going on, or it was deleted.
    const strangers = workers.filter(({ birth }) => !known.has(birth.app))
    this.#letGo(strangers, orphanGrace)
    this.#leaving.push(endRemains(this.#options.home, workers, this.#options.steady))
    this.#memory.trySave()
  }

  #restoreApp(
    remembered: RememberedApp,
    sockets: readonly KeptSocket[],
    workers: readonly FoundWorker[],
  ): void {
    const { spec, size, wanted } = remembered
    const { name } = spec
    const unfinished = workers.length > 0 || bringsAnother(remembered) ? remembered : finished(remembered)
    // Without workers it is still to be started.
    const goesOn = wanted === 'running' && workers.length > 0
    let entry: Entry
    try {
      entry = this.apps.add({ ...spec, workers: size }, unfinished, goesOn ? wanted : undefined)
    } catch (error) {
      this.#memory.unrestored.set(name, remembered)
      this.#chronicle.failed(spec, messageOf(error)) // a user that is gone, say
      this.#letGo(workers, spec.stop.grace)
      return
    }
    const { app } = entry
    try {
      // The schema of the file is that of the messages.
      const addresses = remembered.addresses as RememberedAddress[]
      app.takeover.begin(addresses, sockets, workers)
      if (wanted === 'stopped') return
      void this.#companions.attend(entry)
      const up = this.#bringUp(entry, goesOn)
      entry.restored = up.catch(() => {})
      up.then(() => this.#finishReload(entry, unfinished)).catch((error) => {
        const isCalledOff = error instanceof BroodError && error.code === 'aborted'
        if (!isCalledOff) this.#chronicle.failed(spec, messageOf(error))
      })
    } catch (error) {
      // Somebody else has its address today; the wish to run is kept for the next supervisor.
      this.#memory.wanted.add(spec.name)
      this.#chronicle.failed(spec, messageOf(error))
      this.#letGo(workers, spec.stop.grace)
    }
  }

  /** If this supervisor ended before they do, they would bring up another. */
  #letGo(workers: readonly FoundWorker[], within: number): void {
    this.#leaving.push(endWorkers(workers, within, this.#options.steady))
  }

  /** After what it depends on, however long that takes; what runs already waits for nobody. */
  async #bringUp(entry: Entry, runs: boolean): Promise<void> {
    const { name } = entry.spec
    this.#memory.wanted.add(name) // also if this supervisor dies before it has begun to start it
    if (!runs) await this.#companions.awaitDependencies(entry, undefined)
    await entry.app.commands.start(false)
    this.#memory.wanted.delete(name)
  }

  /** What an earlier supervisor was about to do; a description that fails is taken back, as it would have been. */
  async #finishReload(entry: Entry, { reloading, trusted }: RememberedApp): Promise<void> {
    if (reloading === undefined) return
    const { app, previous } = entry
    if (await app.commands.resumeReload(reloading)) return
    // Other reloads bring the same description anew.
    if (reloading !== trusted && previous !== undefined && previous.release === trusted) {
      app.commands.withdraw(reloading)
      entry.spec = previous.spec
      entry.previous = undefined // the one before that is not known any more
      void this.#companions.attend(entry)
    }
    this.#memory.trySave()
  }

  /** A worker of an earlier supervisor has found this one. */
  takeBack(back: BackMessage, connection: WorkerConnection): void {
    const app = this.apps.find(back.app)?.app
    const stale = staleOf(back, (place) => this.apps.inodeAt(place))
    const expected = app?.takeover.expects(back) === true
    // Whoever ends everything is not followed by another.
    if (expected && !this.#isEnding && isBetterHeir(back, stale, this.apps.kept) && this.#mayLeave(app))
      return this.#leaveTo(back, connection)
    if (app?.takeover.takeBack(back, connection) !== true) return connection.close()
    // One that listens and that nobody accepts from would swallow its share of the connections.
    if (stale.length > 0) connection.send({ type: 'drop', sockets: stale })
  }

  /** Not again and again, if for whatever reason it is always another worker that is first. */
  #mayLeave(app: App): boolean {
    const since = this.#options.clock.now() - leavesEvery
    return app.startsSupervisors && this.history.query({ types: ['supervisor-left'], since }).length === 0
  }

  /** Ends as if killed, with the commands under way; this worker is the first to bring up the next. */
  #leaveTo({ app, slot, pid }: BackMessage, connection: WorkerConnection): void {
    this.#chronicle.note({ type: 'supervisor-left', app, slot, pid: process.pid })
    for (const { app: one } of this.apps.all) one.keepers.lack()
    connection.send({ type: 'lead' })
    claimFor(this.#options.home, pid)
    this.#leave()
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends all apps; their wish to run is remembered, unless it is to be forgotten. */
  async shutDown(options: { forget: boolean }): Promise<void> {
    this.#isEnding = true
    if (options.forget)
      this.#memory.forget() // `kill` counts also when a signal has come first
    else this.#memory.trySave() // a full disk must not keep the apps from ending in order
    // Commands that this cuts short must not change what was just decided to be remembered.
    this.#memory.end()
    this.commands.end()
    this.#companions.end()
    this.apps.end()
    await Promise.all([inReverse(this.apps.all, end), ...this.#leaving])
    if (options.forget) endHeirs(this.#options.home)
    await this.apps.close()
    await this.#chronicle.close()
    this.history.add({ type: 'supervisor-stopped', pid: process.pid })
    this.history.close()
  }

  async kill(): Promise<{ apps: number }> {
    const apps = this.apps.all.length
    await this.shutDown({ forget: true })
    setImmediate(this.#options.onKilled) // after the answer
    return { apps }
  }

  /** For somebody who will not wait for a grace period. */
  killAll(): void {
    for (const { app } of this.apps.all) app.kill()
  }

  /** Leaves the apps to a supervisor that this command starts, of another version, say. */
  async upgrade(command: readonly string[]): Promise<{ pid: number; successor: number }> {
    this.commands.assertStays()
    const { remember, home, clock } = this.#options
    if (!remember) {
      throw new BroodError('usage', "'brood run' ends with its terminal or container: it has no successor")
    }
    this.#memory.save()
    const successor = await startSuccessor(home, this.#line, this.apps.kept, command, clock)
    if (this.#isEnding) {
      signalProcess(successor, 'SIGKILL')
      this.commands.assertStays()
    }
    this.#leave()
    return { pid: process.pid, successor }
  }

  #leave(): void {
    this.#memory.end()
    this.commands.end()
    this.history.close() // the next one opens it
    setImmediate(this.#options.onReplaced)
  }
}

/** Workers that have not come back yet are looking for a supervisor, and would be quicker than the one that is told to start it. */
function claimFor(home: Home, pid: number): void {
  try {
    writeFileSync(home.claim, `${pid}`, { mode: 0o600 })
  } catch {
    // A full disk: then whoever is first brings it up.
  }
}

/** Both descriptions: a reload that fails goes back to the one before. */
function asRememberedNow({ spec, previous, ...rest }: RememberedApp): RememberedApp {
  return {
    ...rest,
    spec: asInstalled(spec),
    ...(previous === undefined ? {} : { previous: { ...previous, spec: asInstalled(previous.spec) } }),
  }
}

/** Whether the reload that was going on was to bring another description, which has yet to prove itself. */
function bringsAnother({ previous, reloading, trusted }: RememberedApp): boolean {
  return reloading !== undefined && previous !== undefined && previous.release === trusted
}

/** Without workers there is nothing left to replace. */
function finished({ reloading: _, trusted: __, ...rest }: RememberedApp): RememberedApp {
  return rest
}
