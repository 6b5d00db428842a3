// One app under supervision: feeds what happens into the pure lifecycle and performs what it asks for.
import type { Clock } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import type { ListenAddress, WorkerMessage } from '../wire/messages.ts'
import type { AppSettings, Output } from './app-settings.ts'
import { AppSockets } from './app-sockets.ts'
import { asSpawnError, describeExit, describeUncaught, type Failure } from './failure.ts'
import { Lifecycle, type Outcome } from './lifecycle.ts'
import { type AppReport, reportOf, type WorkerFacts } from './report.ts'
import type { AppState, Effect, Event, Exit, Notice } from './state.ts'
import { isAlive, isLeaving } from './step.ts'
import { WorkerProcess } from './worker-process.ts'

export interface AppEvents {
  notice(notice: Notice, pid: number | undefined): void
  /** A worker's output was lost. */
  unwritten(slot: number, stream: string, code: string): void
  /** The program listens on an address nobody knew of. */
  learned(): void
}

interface Live extends WorkerFacts {
  readonly process: WorkerProcess
  readonly slot: number
  uncaught: { summary: string; stack: string } | undefined
}

export class App {
  readonly settings: AppSettings
  readonly #output: Output
  readonly #clock: Clock
  readonly #events: AppEvents
  readonly #live = new Map<number, Live>()
  readonly #sockets: AppSockets
  readonly #restarts = new Map<number, number>()
  readonly #ending = new Set<Promise<void>>()
  readonly #lifecycle: Lifecycle
  #failure: Failure | undefined
  #refusal: BroodError | undefined

  constructor(settings: AppSettings, output: Output, clock: Clock, events: AppEvents) {
    this.settings = settings
    this.#output = output
    this.#clock = clock
    this.#events = events
    this.#sockets = new AppSockets(settings.share, settings.maxWorkers, this.#live)
    this.#lifecycle = new Lifecycle(settings.policy, settings.workers, clock, {
      perform: (effect) => this.#perform(effect),
      notice: (notice) => this.#tell(notice),
      settled: () => {
        // Nobody accepts, nor will: clients are to be refused instead of left waiting.
        if (!isAlive(this.state)) this.#sockets.release()
      },
    })
  }

  get state(): AppState {
    return this.#lifecycle.state
  }

  get failure(): Failure | undefined {
    return this.#failure
  }

  get addresses(): readonly ListenAddress[] {
    return this.#sockets.addresses
  }

  /** Binds addresses before the first worker starts: the configured port, and those learned in an earlier life. */
  bind(addresses: readonly ListenAddress[]): void {
    this.#sockets.bind(addresses)
  }

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
    const outcomes: Outcome[] = ['reloaded', 'reload-aborted', 'started', 'slot-failed', 'stopped']
    const notice = await this.#command(
      slots === undefined ? { type: 'reload' } : { type: 'reload', slots },
      outcomes,
    )
    if (notice.type !== 'reloaded' && notice.type !== 'started')
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
    await Promise.all(this.#ending)
  }

  /** SIGKILL for every process of the app, without further ado. */
  kill(): void {
    for (const live of this.#live.values()) live.process.signal('SIGKILL')
  }

  /** After `stop`: gives the addresses back. */
  close(): void {
    this.#lifecycle.close()
    this.#sockets.close()
  }

  /** Signals the worker of one slot, or all; the number of workers reached. */
  signal(signal: NodeJS.Signals, slot: number | undefined): number {
    const reached = [...this.#live.values()].filter((live) => slot === undefined || live.slot === slot)
    for (const live of reached) live.process.signalLeader(signal)
    return reached.length
  }

  report(): AppReport {
    return reportOf({
      name: this.settings.name,
      script: this.settings.script,
      state: this.state,
      live: this.#live,
      restarts: this.#restarts,
      addresses: this.#sockets.labels,
      adopted: this.#sockets.adopted,
      now: this.#clock.now(),
    })
  }

  // ── the lifecycle ───────────────────────────────────────────────────────────────────────────────────────────────

  #command(event: Event, outcomes: readonly Outcome[]): Promise<Notice> {
    const { operation } = this.state
    if (event.type !== 'stop' && operation.type !== 'none') {
      const { name } = this.settings
      throw new BroodError(
        'busy',
        `'${name}' is in the middle of a ${operation.type}: wait for its end, or stop it`,
      )
    }
    this.#refusal = undefined
    if (event.type !== 'stop') this.#sockets.reopen()
    return this.#lifecycle.takeUntil(event, outcomes)
  }

  #perform(effect: Exclude<Effect, { type: 'notice' }>): void {
    switch (effect.type) {
      case 'spawn':
        return this.#spawn(effect.worker, effect.slot)
      case 'drain':
        // Siblings take its queues over before it lets go of them.
        this.#sockets.left(effect.worker)
        return this.#live.get(effect.worker)?.process.send({
          type: 'drain',
          handOn: effect.handOn,
          within: effect.within,
          signal: this.settings.stopSignal,
        })
      case 'signal':
        this.#sockets.left(effect.worker)
        return this.#live.get(effect.worker)?.process.signal(this.settings.stopSignal)
      case 'kill':
        this.#sockets.left(effect.worker)
        return this.#live.get(effect.worker)?.process.signal('SIGKILL')
    }
  }

  #tell(notice: Notice): void {
    if (notice.type === 'worker-exited' && !notice.expected) {
      this.#restarts.set(notice.slot, (this.#restarts.get(notice.slot) ?? 0) + 1)
    }
    this.#events.notice(notice, 'worker' in notice ? this.#live.get(notice.worker)?.process.pid : undefined)
  }

  #assertUp(): void {
    const failed = this.state.slots.findIndex((slot) => slot.at === 'failed')
    const slot = this.state.slots[failed]
    if (slot?.at === 'failed')
      throw this.#notReady({ type: 'slot-failed', slot: failed, reason: slot.reason })
  }

  #notReady(notice: Notice, more?: string): BroodError {
    if (this.#refusal !== undefined && notice.type === 'start-failed') return this.#refusal
    const { name } = this.settings
    if (!('slot' in notice) || !('reason' in notice)) {
      return new BroodError('not_ready', `'${name}' was stopped before it was ready`)
    }
    const text = `${name}/${notice.slot} ${notice.reason}`
    return new BroodError('not_ready', more === undefined ? text : `${text}; ${more}`, {
      detail: this.#failure?.slot === notice.slot ? this.#failure.stderr : [],
    })
  }

  // ── workers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #spawn(id: number, slot: number): void {
    try {
      const output = this.#output.open(slot)
      try {
        this.#launch(id, slot, output)
      } finally {
        output.close()
      }
    } catch (error) {
      this.#ended(
        id,
        slot,
        { code: null, signal: null },
        error instanceof Error ? error : new Error(String(error)),
      )
    }
  }

  #launch(
    id: number,
    slot: number,
    output: { stdout: number | 'inherit'; stderr: number | 'inherit' },
  ): void {
    const { settings } = this
    const worker = new WorkerProcess(
      {
        app: settings.name,
        slot,
        script: settings.script,
        args: settings.args,
        nodeArgs: settings.nodeArgs,
        cwd: settings.cwd,
        env: {
          ...settings.env,
          BROOD_APP: settings.name,
          BROOD_SLOT: `${slot}`,
          NODE_APP_INSTANCE: `${slot}`,
        },
        stdout: output.stdout,
        stderr: output.stderr,
        sockets: this.#sockets.socketsOf(slot),
      },
      {
        message: (message) => this.#hear(id, message),
        said: (message) => {
          if (message === 'ready' && settings.readyOn === 'message')
            this.#lifecycle.take({ type: 'ready', worker: id })
        },
        connection: (key, connection, socket) => this.#sockets.handOn(id, key, connection, socket),
        fault: (error) => this.#lifecycle.take({ type: 'fault', worker: id, reason: messageOf(error) }),
        exit: (exit, error) => this.#ended(id, slot, exit, error),
      },
      this.#clock,
    )
    this.#live.set(id, {
      process: worker,
      slot,
      pid: worker.pid,
      startedAt: worker.startedAt,
      uncaught: undefined,
    })
  }

  #hear(id: number, message: WorkerMessage): void {
    const live = this.#live.get(id)
    if (live === undefined) return
    switch (message.type) {
      case 'hello':
        if (this.settings.readyOn === 'spawn') this.#lifecycle.take({ type: 'ready', worker: id })
        return
      case 'want':
        return this.#give(id, message.request, message.address)
      case 'listening': {
        const worker = this.state.workers.get(id)
        if (worker === undefined || isLeaving(worker)) return // it was told to drain meanwhile
        this.#sockets.listening(id, message.key)
        if (this.settings.readyOn === 'listening') this.#lifecycle.take({ type: 'ready', worker: id })
        return
      }
      case 'closed':
        return this.#sockets.left(id, message.key)
      case 'adopted':
        if (!message.accepting) this.#sockets.unable(id)
        return
      case 'ready':
        if (this.settings.readyOn === 'message') this.#lifecycle.take({ type: 'ready', worker: id })
        return
      case 'uncaught':
        live.uncaught = { summary: describeUncaught(message), stack: message.stack }
        return
      case 'unwritten':
        this.#failure = {
          at: this.#clock.now(),
          slot: live.slot,
          reason: `${message.stream} could not be written to its log (${message.code}): make room on the disk`,
          stack: undefined,
          stderr: [],
        }
        return this.#events.unwritten(live.slot, message.stream, message.code)
      case 'drained':
        return this.#lifecycle.take({ type: 'drained', worker: id })
    }
  }

  #ended(id: number, slot: number, exit: Exit, error: Error | undefined): void {
    const live = this.#live.get(id)
    const reason = describeExit(exit, error, live?.uncaught?.summary)
    if (error !== undefined) this.#refusal = asSpawnError(this.settings.cwd, error)
    const worker = this.state.workers.get(id)
    // Why brood ended it says more than how it ended.
    const fault = worker !== undefined && 'fault' in worker ? worker.fault : undefined
    const expected = worker !== undefined && isLeaving(worker) && fault === undefined
    if (!expected) {
      const stderr = this.#output.lastErrors(slot)
      this.#failure = {
        at: this.#clock.now(),
        slot,
        reason: fault ?? reason,
        stack: live?.uncaught?.stack,
        stderr,
      }
    }
    this.#sockets.left(id)
    this.#lifecycle.take({ type: 'exited', worker: id, exit, reason })
    this.#live.delete(id)
    if (live === undefined) return
    const rest = live.process.endRest(this.settings.stopSignal, this.settings.policy.grace)
    this.#ending.add(rest)
    rest.finally(() => this.#ending.delete(rest))
  }

  /** A worker asked for the socket of an address it was not born with. */
  #give(id: number, request: number, address: ListenAddress): void {
    const known = this.#sockets.addresses.length
    this.#refusal = this.#sockets.give(id, request, address) ?? this.#refusal
    if (this.#sockets.addresses.length > known) this.#events.learned()
  }
}
