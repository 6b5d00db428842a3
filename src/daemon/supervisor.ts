// The supervisor of one BROOD_HOME: how it begins, goes on where another ended, leaves to a successor, and ends.
import { writeFileSync } from 'node:fs'
import type { Clock } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import { signalProcess } from '../process/tree.ts'
import type { App } from '../supervisor/app.ts'
import type { KeptSocket } from '../supervisor/spawned-worker.ts'
import type { WorkerConnection } from '../supervisor/worker-line.ts'
import type { BackMessage } from '../wire/messages.ts'
import { Apps, end } from './apps.ts'
import { isBetterHeir, staleOf } from './better-heir.ts'
import { Chronicle } from './chronicle.ts'
import { Commands, inReverse } from './commands.ts'
import { Companions } from './companions.ts'
import type { SupervisorReport } from './control/contract.ts'
import { protocol } from './control/protocol.ts'
import type { HistoryEvent } from './event.ts'
import { EventHistory } from './event-history.ts'
import type { GivenSockets } from './given-sockets.ts'
import type { Home } from './home.ts'
import type { Line } from './inherited.ts'
import { Memory } from './memory.ts'
import { Restoration } from './restoration.ts'
import { loadState } from './state-file.ts'
import { startSuccessor } from './succession.ts'
import { endHeirs, type FoundWorker } from './survivors.ts'

/** After so long without one a supervisor may leave to another again. */
const leavesEvery = 10_000

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
  readonly #restoration: Restoration
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
    this.#restoration = new Restoration(home, steady, this.apps, this.#companions, chronicle, memory)
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
    this.#restoration.begin(state?.apps ?? [], sockets, workers)
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
    connection.send({ type: 'welcome' })
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
    await Promise.all([inReverse(this.apps.all, end), this.#restoration.strangersGone()])
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
