// One app under supervision: puts its lifecycle, its workers and their sockets together.
import type { Clock } from '../kernel/clock.ts'
import { mainThreadOf } from '../process/main-thread.ts'
import type { AnySocket } from '../wire/any-socket.ts'
import type { ListenAddress } from '../wire/messages.ts'
import type { RememberedAddress } from './addresses.ts'
import { AppCommands } from './app-commands.ts'
import type { AppEvents, Heritage } from './app-events.ts'
import type { AppSettings, Output } from './app-settings.ts'
import { AppSockets } from './app-sockets.ts'
import { Attention } from './attention.ts'
import { Crew } from './crew.ts'
import type { Failure } from './failure.ts'
import { Keepers } from './keepers.ts'
import { Lifecycle } from './lifecycle.ts'
import { Performer } from './performer.ts'
import { isAlive } from './phases.ts'
import { Pulse } from './pulse.ts'
import { type QueueReport, queueReports } from './queue-report.ts'
import { Rebalance } from './rebalance.ts'
import { Reception } from './reception.ts'
import type { Releases } from './releases.ts'
import { type AppReport, reportOf } from './report.ts'
import { RestartTally } from './restart-tally.ts'
import { type ServedReport, servedReports } from './served-report.ts'
import type { KeptSocket } from './spawned-worker.ts'
import { type AppState, type Event, initialState, type Notice } from './state.ts'
import { Takeover } from './takeover.ts'
import type { SlotPorts } from './used-queues.ts'

export class App {
  readonly releases: Releases
  readonly commands: AppCommands
  readonly takeover: Takeover
  readonly keepers: Keepers
  readonly #clock: Clock
  readonly #events: AppEvents
  readonly #crew: Crew
  readonly #sockets: AppSockets
  readonly #attention: Attention
  readonly #pulse: Pulse
  readonly #reception: Reception
  readonly #rebalance: Rebalance
  readonly #restarts = new RestartTally()
  readonly #lifecycle: Lifecycle
  #released: Promise<void> = Promise.resolve()
  #reloading: number | undefined

  constructor(
    releases: Releases,
    output: Output,
    clock: Clock,
    events: AppEvents,
    { wanted, trusted = releases.number }: Heritage = {},
  ) {
    this.releases = releases
    const settings = releases.latest
    const state = (): AppState => this.state
    const take = (event: Event): void => this.#lifecycle.take(event)
    this.#clock = clock
    this.#events = events
    this.#crew = new Crew(output, clock, Math.random, {
      message: (member, message) => this.#reception.hear(member, message),
      said: (member, message) => this.#reception.said(member, message),
      connection: ({ id }, key, connection, socket) =>
        this.#sockets.passages.pass(id, key, connection, socket),
      bare: ({ id }, ...handle) => this.#sockets.bare(id, ...handle),
      fault: ({ id }, reason) => take({ type: 'fault', worker: id, reason }),
      ready: ({ id }) => take({ type: 'ready', worker: id }),
      unready: ({ id }, problem) => take({ type: 'unready', worker: id, problem }),
      blocked: (member, silent) => this.#attention.blocked(member, silent),
      due: ({ id }, reason) => take({ type: 'renew', worker: id, reason }),
      warning: (text) => events.warning(text),
      exit: (...end) => this.#ended(...end),
    })
    this.#sockets = new AppSockets(settings, clock, this.#crew.members, {
      opened: (key, slot, socket) => events.opened({ app: settings.name, key, slot, socket }),
      given: (address) => events.given(address),
      stuck: () => this.#attention.relieve(),
    })
    this.#rebalance = new Rebalance({
      members: this.#crew.members,
      passages: this.#sockets.passages,
      clock,
      settings: () => this.settings,
      state,
      keys: () => this.#sockets.keys,
      moved: (summary) => events.rebalanced(summary),
    })
    this.#pulse = new Pulse({
      clock,
      workers: () => this.#sockets.owners.filter((id) => this.#speaksWith(id)),
      ping: (worker, id) => this.#crew.members.get(worker)?.process.send({ type: 'ping', id }),
      look: (worker) => mainThreadOf(this.#crew.members.get(worker)?.pid ?? 0),
      blocked: (worker) => this.#sockets.blocked(worker),
      back: (worker) => this.#sockets.awake(worker),
    })
    this.#reception = new Reception({
      sockets: this.#sockets,
      pulse: this.#pulse,
      rebalance: this.#rebalance,
      output,
      clock,
      events,
      settings: () => this.settings,
      state,
      take,
    })
    this.#attention = new Attention(this.#crew.members, clock, {
      settings: () => this.settings,
      state,
      take,
      isStuck: () => this.#sockets.isStuck,
      blocked: (...where) => events.blocked(...where),
    })
    const performer = new Performer({
      releases,
      crew: this.#crew,
      sockets: this.#sockets,
      reception: this.#reception,
      events,
      state,
      take,
    })
    this.#lifecycle = new Lifecycle(
      initialState(settings.policy, settings.workers, trusted, wanted),
      clock,
      Math.random,
      {
        perform: (effect) => performer.perform(effect),
        notice: (notice) => this.#tell(notice),
        settled: () => {
          // Nobody accepts, nor will: clients are to be refused instead of left waiting.
          if (!isAlive(this.state)) this.#release()
          this.#noteReload()
          this.#rebalance.follow()
        },
      },
    )
    this.keepers = new Keepers(this.#crew.members, state)
    this.takeover = new Takeover({ releases, crew: this.#crew, sockets: this.#sockets, clock, take })
    this.commands = new AppCommands({
      releases,
      lifecycle: this.#lifecycle,
      reception: this.#reception,
      sockets: this.#sockets,
      crew: this.#crew,
      released: () => this.#released,
    })
  }

  get settings(): AppSettings {
    return this.releases.latest
  }

  get state(): AppState {
    return this.#lifecycle.state
  }

  /** The release that a command's reload, or its taking back, is bringing to all slots. */
  get reloading(): number | undefined {
    const { operation } = this.state
    return operation.type === 'reload' && operation.why !== 'renewal' ? operation.release : undefined
  }

  get failure(): Failure | undefined {
    return this.#reception.failure
  }

  /** What a next supervisor has to know of its addresses. */
  get addresses(): RememberedAddress[] {
    return this.#sockets.remembered
  }

  /** Its workers have the right to, and know how. */
  get startsSupervisors(): boolean {
    const { identity, interpreter } = this.settings
    return identity === undefined && interpreter === undefined
  }

  /** In share mode `ports`, by slot: the ports that somebody accepts on. */
  get ports(): SlotPorts[] {
    return this.#sockets.used.ports
  }

  /** The socket of a slot at an address; undefined when it is not open. */
  socketAt(key: string, slot: number): AnySocket | undefined {
    return this.#sockets.used.socketAt(key, slot)
  }

  /** Its sockets in use, for workers to keep. */
  get kept(): KeptSocket[] {
    return this.#sockets.used.all.map((one) => ({ app: this.settings.name, ...one }))
  }

  /** Binds addresses before the first worker starts: the configured port, and those learned in an earlier life. */
  bind(addresses: readonly ListenAddress[]): void {
    this.#sockets.bind(addresses)
  }

  /** Replaces every worker, gently, one after the other. */
  renew(reason: string): void {
    for (const { id } of this.state.workers.values())
      this.#lifecycle.take({ type: 'renew', worker: id, reason })
  }

  /** Settings that concern the supervisor alone. */
  adjust(settings: AppSettings): void {
    this.releases.replace(settings)
    for (const { guard } of this.#crew.members.values()) guard.adjust(settings)
    this.#lifecycle.take({ type: 'policy', policy: settings.policy })
    this.#events.changed()
  }

  /** SIGKILL for every process of the app, without further ado. */
  kill(): void {
    for (const { process } of this.#crew.members.values()) process.signal('SIGKILL')
  }

  /** After `stop`: gives the addresses back. */
  close(): void {
    this.#lifecycle.close()
    this.#rebalance.close()
    this.#sockets.close()
  }

  /** Signals the worker of one slot, or all; the number of workers reached. */
  signal(signal: NodeJS.Signals, slot: number | undefined): number {
    const reached = [...this.#crew.members.values()].filter((one) => slot === undefined || one.slot === slot)
    for (const { process } of reached) process.signalLeader(signal)
    return reached.length
  }

  report(): AppReport {
    return reportOf({
      name: this.settings.name,
      script: this.settings.script,
      state: this.state,
      live: this.#crew.members,
      restartsOf: (slot) => this.#restarts.of(slot),
      addresses: this.#sockets.labels,
      adopted: this.#sockets.adopted,
      isBlocked: (worker) => this.#pulse.isBlocked(worker),
      now: this.#clock.now(),
    })
  }

  /** How many connections wait, and for whom. */
  queues(): Promise<QueueReport[]> {
    return queueReports(this.#sockets.queues, this.#clock)
  }

  /** What each worker has answered since it was first asked; of programs in other languages nothing is known. */
  served(): Promise<ServedReport[]> {
    return servedReports(this.settings.interpreter === undefined ? this.#crew.members.values() : [])
  }

  #tell(notice: Notice): void {
    this.#restarts.notice(notice)
    this.#attention.notice(notice)
    this.#events.notice(notice, 'worker' in notice ? this.#crew.members.get(notice.worker)?.pid : undefined)
  }

  /** A next supervisor has to know of a reload while it goes on. */
  #noteReload(): void {
    const { reloading } = this
    if (reloading === this.#reloading) return
    this.#reloading = reloading
    const { workers, slots, release } = this.state
    const inUse = [...workers.values(), ...slots].map((one) => one.release)
    this.releases.prune(new Set([...inUse, release]))
    this.#events.changed()
  }

  /** What is said to a worker of an earlier supervisor before it is back has to wait. */
  #speaksWith(id: number): boolean {
    return this.state.workers.get(id)?.at !== 'returning' && this.settings.interpreter === undefined
  }

  /** Clients are to be refused, so nobody may keep a socket that nobody listens on. */
  #release(): void {
    const { keys } = this.#sockets
    if (keys.length === 0) return
    this.#sockets.release()
    this.#released = this.#events.released(keys)
  }

  #ended(...[id, slot, member, exit, error]: Parameters<Reception['ended']>): void {
    this.#reception.ended(id, slot, member, exit, error)
    this.#crew.members.delete(id)
    if (member !== undefined) this.#crew.endRest(member, this.settings)
    this.#events.rotated()
  }
}
