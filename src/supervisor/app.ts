// One app under supervision: feeds what happens into the pure lifecycle and performs what it asks for.
import type { Clock, Millis } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import { mainThreadOf } from '../process/main-thread.ts'
import type { AnySocket } from '../wire/any-socket.ts'
import type { Birth } from '../wire/birth.ts'
import type { BackMessage, IdleConnections, ListenAddress } from '../wire/messages.ts'
import type { RememberedAddress } from './addresses.ts'
import type { AppEvents, Heritage } from './app-events.ts'
import type { AppSettings, Output } from './app-settings.ts'
import { AppSockets } from './app-sockets.ts'
import { Attention } from './attention.ts'
import { Crew, type Member } from './crew.ts'
import type { Failure } from './failure.ts'
import { Lifecycle, type Outcome } from './lifecycle.ts'
import { isAlive } from './phases.ts'
import { Pulse } from './pulse.ts'
import { type QueueReport, queueReports } from './queue-report.ts'
import { Rebalance } from './rebalance.ts'
import { Reception } from './reception.ts'
import type { Releases } from './releases.ts'
import { type AppReport, reportOf, type ServedReport } from './report.ts'
import { ReturnedWorker, type Survivor } from './returned-worker.ts'
import type { KeptSocket } from './spawned-worker.ts'
import { type AppState, type Command, type Effect, type Event, initialState, type Notice } from './state.ts'
import type { WorkerConnection } from './worker-line.ts'

/** How long a worker of an earlier supervisor may take to come back, in milliseconds; one that is blocked needs longer. */
const returnWithin = 10_000

/** How long a worker may take to say how much it has served. */
const countWithin: Millis = 1000

export class App {
  readonly releases: Releases
  readonly #clock: Clock
  readonly #events: AppEvents
  readonly #crew: Crew
  readonly #sockets: AppSockets
  readonly #attention: Attention
  readonly #pulse: Pulse
  readonly #reception: Reception
  readonly #rebalance: Rebalance
  readonly #restarts = new Map<number, number>()
  readonly #lifecycle: Lifecycle
  #releasing: Promise<void> = Promise.resolve()
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
    this.#clock = clock
    this.#events = events
    this.#crew = new Crew(output, clock, Math.random, {
      message: (member, message) => this.#reception.hear(member, message),
      said: (member, message) => this.#reception.said(member, message),
      connection: ({ id }, key, connection, socket) =>
        this.#sockets.passages.pass(id, key, connection, socket),
      bare: ({ id }, ...handle) => this.#sockets.bare(id, ...handle),
      fault: ({ id }, reason) => this.#take({ type: 'fault', worker: id, reason }),
      ready: ({ id }) => this.#take({ type: 'ready', worker: id }),
      unready: ({ id }, problem) => this.#take({ type: 'unready', worker: id, problem }),
      blocked: (member, silent) => this.#attention.blocked(member, silent),
      due: ({ id }, reason) => this.#take({ type: 'renew', worker: id, reason }),
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
      state: () => this.state,
      keys: () => this.#sockets.keys,
      moved: (summary) => events.rebalanced(summary),
    })
    this.#pulse = new Pulse({
      clock,
      workers: () => this.#sockets.owners.filter((id) => this.#speaksWith(id)),
      ping: (worker, id) => this.#tellWorker(worker, { type: 'ping', id }),
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
      state: () => this.state,
      take: (event) => this.#take(event),
    })
    this.#attention = new Attention(this.#crew.members, clock, {
      settings: () => this.settings,
      state: () => this.state,
      take: (event) => this.#take(event),
      isStuck: () => this.#sockets.isStuck,
      blocked: (...where) => events.blocked(...where),
    })
    this.#lifecycle = new Lifecycle(
      initialState(settings.policy, settings.workers, trusted, wanted),
      clock,
      Math.random,
      {
        perform: (effect) => this.#perform(effect),
        notice: (notice) => this.#tell(notice),
        settled: () => {
          // Nobody accepts, nor will: clients are to be refused instead of left waiting.
          if (!isAlive(this.state)) this.#release()
          this.#noteReload()
          this.#rebalance.follow()
        },
      },
    )
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

  /** In share mode `ports`, by slot: the ports that somebody accepts on. */
  get ports(): AppSockets['ports'] {
    return this.#sockets.ports
  }

  /** The socket of a slot at an address; undefined when it is not open. */
  socketAt(key: string, slot: number): AnySocket | undefined {
    return this.#sockets.socketAt(key, slot)
  }

  /** Its sockets in use, for workers to keep. */
  get kept(): KeptSocket[] {
    return this.#sockets.inUse.map((one) => ({ app: this.settings.name, ...one }))
  }

  /** Binds addresses before the first worker starts: the configured port, and those learned in an earlier life. */
  bind(addresses: readonly ListenAddress[]): void {
    this.#sockets.bind(addresses)
  }

  // ── after another supervisor ────────────────────────────────────────────────────────────────────────────────────

  /** Binds as an earlier supervisor had bound, with the sockets that it left. */
  inherit(...found: Parameters<AppSockets['inherit']>): void {
    this.#sockets.inherit(...found)
  }

  /** The workers of an earlier supervisor that live; they are expected back. */
  find(survivors: readonly (Survivor & { readonly birth: Birth })[]): void {
    const workers = survivors.map(({ birth: { worker, slot, release } }) => ({ worker, slot, release }))
    for (const survivor of survivors) {
      const { worker, slot, release } = survivor.birth
      this.#crew.find(worker, slot, this.releases.get(release), survivor)
    }
    for (const { worker } of workers) this.#sockets.assume(worker)
    this.#take({ type: 'found', workers, deadline: this.#clock.now() + returnWithin })
    // A program in another language knows of no supervisor, and so of none that has gone.
    if (this.settings.interpreter === undefined) return
    for (const { worker } of workers) this.#take({ type: 'returned', worker, phase: 'ready' })
  }

  /** Its workers have the right to, and know how. */
  get startsSupervisors(): boolean {
    const { identity, interpreter } = this.settings
    return identity === undefined && interpreter === undefined
  }

  /** Whether a worker of an earlier supervisor is one that is expected back. */
  knows({ worker, pid }: BackMessage): boolean {
    const member = this.#crew.members.get(worker)
    return member?.process instanceof ReturnedWorker && member.pid === pid
  }

  /** A worker of an earlier supervisor is back. False when it is none of ours. */
  takeBack(back: BackMessage, connection: WorkerConnection): boolean {
    const member = this.#crew.members.get(back.worker)
    if (!(member?.process instanceof ReturnedWorker) || !this.knows(back)) return false
    member.process.attach(connection)
    this.#sockets.back(member.id, back)
    this.#take({ type: 'returned', worker: member.id, phase: this.#phaseOf(back) })
    return true
  }

  /** All that can be known without the workers is known: queues nobody serves are given to somebody. */
  adoptOrphans(): void {
    this.#sockets.adoptOrphans()
  }

  /** It may have become ready after its supervisor was gone. */
  #phaseOf({ phase, listening }: BackMessage): BackMessage['phase'] {
    const { readyOn } = this.settings
    const isReady =
      readyOn === 'spawn' ||
      (readyOn === 'listening' && listening.some((key) => this.#sockets.makesReady(key)))
    return phase === 'starting' && isReady ? 'ready' : phase
  }

  // ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts all workers; with `fresh`, the first that fails ends the attempt with its reason. */
  async start(fresh: boolean): Promise<void> {
    const notice = await this.#command({ type: 'start', fresh }, [
      'started',
      'start-failed',
      'stopped',
      'slot-failed',
    ])
    if (notice.type === 'started') return this.#assertUp()
    throw this.#notReady(notice)
  }

  /** Replaces the workers of all slots, or of those given, one after the other. */
  async reload(slots?: readonly number[]): Promise<void> {
    if (slots !== undefined) return this.#reload({ type: 'reload', slots })
    // A number of its own tells a next supervisor which workers a reload that was cut short has not got to.
    return this.#reload({ type: 'reload', release: this.releases.repeat(), rollback: false })
  }

  /** Replaces all workers by ones of another description; if one of them fails, those replaced go back to the old one. */
  async update(settings: AppSettings): Promise<void> {
    const release = this.releases.add(settings)
    this.#take({ type: 'policy', policy: settings.policy })
    try {
      await this.#reload({ type: 'reload', release, rollback: true })
    } catch (error) {
      await this.#takenBack()
      this.withdraw(release)
      throw error
    }
  }

  /** A release that has failed: the description before is wanted again. */
  withdraw(release: number): void {
    this.releases.withdraw(release)
    this.#take({ type: 'policy', policy: this.settings.policy })
  }

  /** What had a failed release has the old one again before anybody is told: then the next command is not too early. */
  async #takenBack(): Promise<void> {
    const { operation } = this.state
    if (operation.type !== 'reload' || operation.why !== 'rollback') return
    await this.#lifecycle.until(['rolled-back', 'stopped'])
  }

  /** Goes on with a reload that an earlier supervisor did not finish; false when its release has failed. */
  async resumeReload(release: number): Promise<boolean> {
    const { workers, slots, size } = this.state
    const isBehind = (slot: number): boolean => {
      const here = [...workers.values()].filter((worker) => worker.slot === slot)
      return here.length === 0
        ? slots[slot]?.release !== release
        : here.some((one) => one.release !== release)
    }
    const behind = Array.from({ length: size }, (_, slot) => slot).filter(isBehind)
    if (behind.length === 0) return true
    // As a whole, and so with its canary, if it had got nowhere.
    const which = behind.length === size ? {} : { slots: behind }
    try {
      await this.#reload({ type: 'reload', ...which, release, rollback: true })
      return true
    } catch {
      await this.#takenBack()
      return false
    }
  }

  /** Replaces every worker, gently, one after the other. */
  renew(reason: string): void {
    for (const { id } of this.state.workers.values()) this.#take({ type: 'renew', worker: id, reason })
  }

  /** Settings that concern the supervisor alone. */
  adjust(settings: AppSettings): void {
    this.releases.replace(settings)
    for (const { guard } of this.#crew.members.values()) guard.adjust(settings)
    this.#take({ type: 'policy', policy: settings.policy })
    this.#events.changed()
  }

  async #reload(command: Command & { type: 'reload' }): Promise<void> {
    // Of an app that does not run it is a start, which one failed slot ends; a running one goes on with the others.
    const ofStart: Outcome[] = this.state.wanted === 'stopped' ? ['slot-failed'] : []
    const outcomes: Outcome[] = ['reloaded', 'reload-aborted', 'started', 'stopped', ...ofStart]
    const notice = await this.#command(command, outcomes)
    if (notice.type === 'reloaded' || notice.type === 'started') return
    throw this.#notReady(notice, 'the old workers go on')
  }

  async restart(): Promise<void> {
    const notice = await this.#command({ type: 'restart' }, ['started', 'slot-failed', 'stopped'])
    if (notice.type !== 'started') throw this.#notReady(notice)
  }

  async scale(size: number): Promise<void> {
    const notice = await this.#command({ type: 'scale', size }, ['scaled', 'slot-failed', 'stopped'])
    if (notice.type !== 'scaled') throw this.#notReady(notice)
  }

  /** Settles when nothing of the app's process tree is left. */
  async stop(): Promise<void> {
    await this.#command({ type: 'stop' }, ['stopped'])
    await this.#crew.ended()
    await this.#releasing
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

  /** Gives a socket of any app to those workers that do not keep it yet. */
  /** From now on there is something that only others have: no worker of this app is to bring the next supervisor up first. */
  lack(): void {
    for (const { process } of this.#crew.members.values()) process.send({ type: 'lacking' })
  }

  keep(socket: KeptSocket): void {
    this.#crew.keep(socket)
  }

  /** Tells every worker to let go of an app's sockets; the requests they answer are counted by `request`. */
  letGo(app: string, keys: readonly string[], request: number): number[] {
    this.#crew.forget(app, keys)
    // One that has just exited answers no more.
    const living = [...this.#crew.members.values()].filter(({ id }) => this.state.workers.has(id))
    return living.map(({ id, process }) => {
      process.send({ type: 'let-go', id: request, app, keys: [...keys] })
      return id
    })
  }

  report(): AppReport {
    return reportOf({
      name: this.settings.name,
      script: this.settings.script,
      state: this.state,
      live: this.#crew.members,
      restarts: this.#restarts,
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
    const asked = this.settings.interpreter === undefined ? [...this.#crew.members.values()] : []
    return Promise.all(
      asked.map(async ({ slot, pid, guard }) => {
        const { requests, errors } = await guard.counted(countWithin)
        return { slot, pid: pid ?? null, requests, errors }
      }),
    )
  }

  // ── the lifecycle ───────────────────────────────────────────────────────────────────────────────────────────────

  #take(event: Event): void {
    this.#lifecycle.take(event)
  }

  async #command(event: Command | (Event & { type: 'stop' }), outcomes: readonly Outcome[]): Promise<Notice> {
    await this.#releasing
    const { operation, pending } = this.state
    const isRenewal = operation.type === 'reload' && operation.why === 'renewal' && pending === undefined
    if (event.type !== 'stop' && operation.type !== 'none' && !isRenewal) {
      const { name } = this.settings
      throw new BroodError(
        'busy',
        `'${name}' is in the middle of a ${operation.type}: wait for its end, or stop it`,
      )
    }
    this.#reception.refusal = undefined
    if (event.type !== 'stop') this.#sockets.reopen()
    return this.#lifecycle.takeUntil(event, outcomes)
  }

  #perform(effect: Exclude<Effect, { type: 'notice' }>): void {
    switch (effect.type) {
      case 'spawn':
        return this.#spawn(effect.worker, effect.slot, effect.release)
      case 'drain': {
        this.#crew.members.get(effect.worker)?.guard.leaving()
        // Siblings take its queues over before it lets go of them.
        this.#sockets.left(effect.worker)
        const { within, worker: id } = effect
        // Only a signal tells a program in another language to go, and only it knows when it has finished.
        if (this.settings.interpreter !== undefined) return this.#take({ type: 'drained', worker: id })
        const idle = this.#idleConnections(id, effect.handOn)
        return this.#tellWorker(id, { type: 'drain', idle, within, signal: this.settings.stopSignal })
      }
      case 'signal':
        this.#sockets.left(effect.worker)
        this.#crew.members.get(effect.worker)?.guard.leaving()
        return this.#crew.members.get(effect.worker)?.process.signal(this.settings.stopSignal)
      case 'kill':
        this.#sockets.left(effect.worker)
        return this.#crew.members.get(effect.worker)?.process.signal('SIGKILL')
    }
  }

  #tellWorker(id: number, message: Parameters<Member['process']['send']>[0]): void {
    this.#crew.members.get(id)?.process.send(message)
  }

  /** Connections travel by way of this process, between two of its children. */
  #idleConnections(id: number, others: boolean): IdleConnections {
    if (!others) return 'close'
    const isOurs = this.#crew.members.get(id)?.process.takesSockets === true
    return isOurs && this.#sockets.hasHeir(id) ? 'hand-on' : 'linger'
  }

  #tell(notice: Notice): void {
    if (notice.type === 'worker-exited' && !notice.expected) {
      this.#countRestart(notice.slot, 1)
    }
    // What failed was a reload's new worker; the slot's own one has not ended.
    if (notice.type === 'reload-aborted' || notice.type === 'renewal-failed')
      this.#countRestart(notice.slot, -1)
    this.#attention.notice(notice)
    this.#events.notice(notice, 'worker' in notice ? this.#crew.members.get(notice.worker)?.pid : undefined)
  }

  #countRestart(slot: number, by: number): void {
    this.#restarts.set(slot, Math.max(0, (this.#restarts.get(slot) ?? 0) + by))
  }

  #assertUp(): void {
    const failed = this.state.slots.findIndex((slot) => slot.at === 'failed')
    const slot = this.state.slots[failed]
    if (slot?.at === 'failed')
      throw this.#notReady({ type: 'slot-failed', slot: failed, reason: slot.reason })
  }

  #notReady(notice: Notice, more?: string): BroodError {
    if (this.#reception.refusal !== undefined && notice.type === 'start-failed')
      return this.#reception.refusal
    const { name } = this.settings
    if (!('slot' in notice) || !('reason' in notice)) {
      return new BroodError('not_ready', `'${name}' was stopped before it was ready`)
    }
    const text = `${name}/${notice.slot} ${notice.reason}`
    return new BroodError('not_ready', more === undefined ? text : `${text}; ${more}`, {
      detail: this.#reception.failure?.slot === notice.slot ? this.#reception.failure.stderr : [],
    })
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
    this.#releasing = this.#events.released(keys)
  }

  // ── workers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #spawn(id: number, slot: number, release: number): void {
    const settings = this.releases.get(release)
    const sockets = this.#sockets.socketsOf(slot)
    const own = this.#sockets.within(this.state.size).map((one) => ({ app: settings.name, ...one }))
    const known = new Set(own.map(({ key, slot: other }) => `${key} ${other}`))
    const others = this.#events
      .kept()
      .filter((one) => one.app !== settings.name || !known.has(`${one.key} ${one.slot}`))
    const rescue = this.#events.rescue(slot, settings.identity === undefined)
    const kept = rescue === undefined || rescue.command.length === 0 ? [] : [...own, ...others]
    const balanced = this.#sockets.balanced
    this.#crew.spawn(id, slot, release, settings, { sockets, balanced, kept, rescue })
    const member = this.#crew.members.get(id)
    if (member === undefined) return // it could not be started
    if (member.pid !== undefined) this.#events.started(slot, member.pid)
    if (settings.interpreter !== undefined) this.#reception.begunElsewhere(member)
  }

  #ended(...[id, slot, member, exit, error]: Parameters<Reception['ended']>): void {
    this.#reception.ended(id, slot, member, exit, error)
    this.#crew.members.delete(id)
    if (member !== undefined) this.#crew.endRest(member, this.settings)
    this.#events.rotated()
  }
}
