// One app under supervision: feeds what happens into the pure lifecycle and performs what it asks for.
import type { Clock, Millis } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import type { ListenAddress, WorkerMessage } from '../wire/messages.ts'
import type { AppSettings, Output } from './app-settings.ts'
import { AppSockets } from './app-sockets.ts'
import { type AppReport, reportOf, type WorkerFacts } from './report.ts'
import { type AppState, type Effect, type Event, type Exit, initialState, type Notice } from './state.ts'
import { isAlive, isLeaving, nextDeadline, step } from './step.ts'
import { describeExit, WorkerProcess } from './worker-process.ts'

/** The last thing that went wrong, for `brood show`. */
export interface Failure {
  readonly at: Millis
  readonly slot: number
  readonly reason: string
  readonly stack: string | undefined
  readonly stderr: readonly string[]
}

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

type Outcome = Notice['type']

export class App {
  readonly settings: AppSettings
  readonly #output: Output
  readonly #clock: Clock
  readonly #events: AppEvents
  readonly #live = new Map<number, Live>()
  readonly #sockets: AppSockets
  readonly #restarts = new Map<number, number>()
  readonly #waiting = new Set<{ outcomes: readonly Outcome[]; resolve: (notice: Notice) => void }>()
  readonly #ending = new Set<Promise<void>>()
  readonly #queue: Event[] = []
  #state: AppState
  #cancelTimer: () => void = () => {}
  #performing = false
  #failure: Failure | undefined
  #refusal: BroodError | undefined

  constructor(settings: AppSettings, output: Output, clock: Clock, events: AppEvents) {
    this.settings = settings
    this.#output = output
    this.#clock = clock
    this.#events = events
    this.#sockets = new AppSockets(settings.share, settings.maxWorkers, this.#live)
    this.#state = initialState(settings.policy, settings.workers)
  }

  get state(): AppState {
    return this.#state
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
    this.#cancelTimer()
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
      state: this.#state,
      live: this.#live,
      restarts: this.#restarts,
      addresses: this.#sockets.labels,
      adopted: this.#sockets.adopted,
      now: this.#clock.now(),
    })
  }

  // ── the lifecycle ───────────────────────────────────────────────────────────────────────────────────────────────

  #command(event: Event & { type: string }, outcomes: readonly Outcome[]): Promise<Notice> {
    const { operation } = this.#state
    if (event.type !== 'stop' && operation.type !== 'none') {
      const { name } = this.settings
      throw new BroodError(
        'busy',
        `'${name}' is in the middle of a ${operation.type}: wait for its end, or stop it`,
      )
    }
    this.#refusal = undefined
    if (event.type !== 'stop') this.#sockets.reopen()
    return new Promise((resolve) => {
      this.#waiting.add({ outcomes, resolve })
      this.#dispatch(event)
    })
  }

  /** Effects can cause events (a spawn that fails at once); they are taken one after the other, never nested. */
  #dispatch(event: Event): void {
    this.#queue.push(event)
    if (this.#performing) return
    this.#performing = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const { state, effects } = step(this.#state, next, this.#clock.now())
        this.#state = state
        for (const effect of effects) this.#perform(effect)
      }
    } finally {
      this.#performing = false
    }
    if (!isAlive(this.#state)) this.#sockets.release()
    this.#arm()
  }

  #arm(): void {
    this.#cancelTimer()
    const at = nextDeadline(this.#state)
    this.#cancelTimer =
      at === undefined ? () => {} : this.#clock.at(at, () => this.#dispatch({ type: 'tick' }))
  }

  #perform(effect: Effect): void {
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
      case 'notice':
        return this.#tell(effect.notice)
    }
  }

  #tell(notice: Notice): void {
    if (notice.type === 'worker-exited' && !notice.expected) {
      this.#restarts.set(notice.slot, (this.#restarts.get(notice.slot) ?? 0) + 1)
    }
    this.#events.notice(notice, 'worker' in notice ? this.#live.get(notice.worker)?.process.pid : undefined)
    for (const waiting of [...this.#waiting]) {
      if (!waiting.outcomes.includes(notice.type)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(notice)
    }
  }

  #assertUp(): void {
    const failed = this.#state.slots.findIndex((slot) => slot.at === 'failed')
    const slot = this.#state.slots[failed]
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
            this.#dispatch({ type: 'ready', worker: id })
        },
        connection: (key, connection, socket) => this.#sockets.handOn(id, key, connection, socket),
        fault: (error) => this.#dispatch({ type: 'fault', worker: id, reason: messageOf(error) }),
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
        if (this.settings.readyOn === 'spawn') this.#dispatch({ type: 'ready', worker: id })
        return
      case 'want':
        return this.#give(id, message.request, message.address)
      case 'listening': {
        const worker = this.#state.workers.get(id)
        if (worker === undefined || isLeaving(worker)) return // it was told to drain meanwhile
        this.#sockets.listening(id, message.key)
        if (this.settings.readyOn === 'listening') this.#dispatch({ type: 'ready', worker: id })
        return
      }
      case 'closed':
        return this.#sockets.left(id, message.key)
      case 'adopted':
        if (!message.accepting) this.#sockets.unable(id)
        return
      case 'ready':
        if (this.settings.readyOn === 'message') this.#dispatch({ type: 'ready', worker: id })
        return
      case 'uncaught':
        live.uncaught = { summary: summaryOf(message), stack: message.stack }
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
        return this.#dispatch({ type: 'drained', worker: id })
    }
  }

  #ended(id: number, slot: number, exit: Exit, error: Error | undefined): void {
    const live = this.#live.get(id)
    const reason = describeExit(exit, error, live?.uncaught?.summary)
    if (error !== undefined) this.#refusal = asSpawnError(this.settings, error)
    const worker = this.#state.workers.get(id)
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
    this.#dispatch({ type: 'exited', worker: id, exit, reason })
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

function asSpawnError(settings: AppSettings, error: Error): BroodError {
  if (error instanceof BroodError) return error
  const message = `a worker could not be started in ${settings.cwd}: ${messageOf(error)}`
  return new BroodError('spawn_failed', message, { cause: error })
}

/** `TypeError: x is not a function (server.js:12)`. */
function summaryOf({ name, message, stack }: { name: string; message: string; stack: string }): string {
  // Frames of Node itself (`node:internal/…`) say nothing about the program.
  const place = /(?:^|[\s(]|file:\/\/)(\/[^\s()]+?):(\d+)/.exec(stack)
  const file = place?.[1]?.split('/').at(-1)
  const line = message.split('\n')[0] ?? ''
  return file === undefined ? `${name}: ${line}` : `${name}: ${line} (${file}:${place?.[2]})`
}
