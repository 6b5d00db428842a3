// What workers of one app say, and how they end: turned into events of the lifecycle, and kept as what went wrong last.
import type { Clock } from '../kernel/clock.ts'
import type { BroodError } from '../kernel/errors.ts'
import type { ListenAddress, WorkerMessage } from '../wire/messages.ts'
import type { AppEvents } from './app-events.ts'
import type { AppSettings, Output } from './app-settings.ts'
import type { AppSockets } from './app-sockets.ts'
import type { Member } from './crew.ts'
import { asSpawnError, describeExit, describeUncaught, type Failure } from './failure.ts'
import { isLeaving } from './phases.ts'
import type { Pulse } from './pulse.ts'
import type { Rebalance } from './rebalance.ts'
import type { AppState, Event, Exit } from './state.ts'

export interface ReceptionSetup {
  readonly sockets: AppSockets
  readonly rebalance: Rebalance
  readonly pulse: Pulse
  readonly output: Output
  readonly clock: Clock
  readonly events: AppEvents
  settings(): AppSettings
  state(): AppState
  take(event: Event): void
}

export class Reception {
  readonly #setup: ReceptionSetup
  readonly #sockets: AppSockets
  /** The last thing that went wrong. */
  failure: Failure | undefined
  /** Why the system would not start a worker, or open its address; until the next command. */
  refusal: BroodError | undefined

  constructor(setup: ReceptionSetup) {
    this.#setup = setup
    this.#sockets = setup.sockets
  }

  /** A program in another language says nothing: it runs as soon as it is started, and has its sockets from the beginning. */
  begunElsewhere({ id, guard }: Member): void {
    for (const key of this.#sockets.keys) this.#sockets.listening(id, key)
    guard.begun()
    if (this.#setup.settings().readyOn === 'spawn') this.#take({ type: 'ready', worker: id })
  }

  /** What the program itself said over Node's IPC. */
  said({ id }: Member, message: unknown): void {
    if (message === 'ready' && this.#setup.settings().readyOn === 'message')
      this.#take({ type: 'ready', worker: id })
  }

  hear(member: Member, message: WorkerMessage): void {
    const { id, slot } = member
    const { readyOn } = this.#setup.settings()
    switch (message.type) {
      case 'hello':
        member.guard.begun()
        if (readyOn === 'spawn') this.#take({ type: 'ready', worker: id })
        return
      case 'want':
        return this.#give(member, message.request, message.address)
      case 'listening': {
        const worker = this.#setup.state().workers.get(id)
        if (worker === undefined || isLeaving(worker)) return // it was told to drain meanwhile
        this.#sockets.listening(id, message.key, message)
        this.#setup.pulse.joined()
        if (readyOn === 'listening' && this.#sockets.makesReady(message.key))
          this.#take({ type: 'ready', worker: id })
        return
      }
      case 'closed':
        return this.#sockets.left(id, message.key)
      case 'alone':
        if (readyOn === 'listening') this.#take({ type: 'ready', worker: id })
        return
      case 'adopted':
        if (!message.accepting) this.#sockets.unable(id)
        return
      case 'ready':
        if (readyOn === 'message') this.#take({ type: 'ready', worker: id })
        return
      case 'uncaught':
        member.uncaught = { summary: describeUncaught(message), stack: message.stack }
        return
      case 'unwritten':
        this.failure = {
          at: this.#setup.clock.now(),
          slot,
          reason: `${message.stream} could not be written to its log (${message.code}): make room on the disk`,
          stack: undefined,
          stderr: [],
        }
        return this.#setup.events.unwritten(slot, message.stream, message.code)
      case 'rotated':
        return this.#setup.events.rotated()
      case 'drained':
        return this.#take({ type: 'drained', worker: id })
      case 'let-go':
        return this.#setup.events.hasLetGo(this.#setup.settings().name, id, message.id)
      case 'load':
        member.connections = message.open
        return this.#sockets.load(id, message.open, message.taken)
      case 'connections':
        member.connections = message.open
        return this.#setup.rebalance.counted(id, message.id, message)
      case 'shed':
        return this.#setup.rebalance.shed(id, message.id, message.handed)
      case 'busy':
        return this.#setup.pulse.busy(id)
      case 'quiet':
        return this.#setup.pulse.quiet(id)
      case 'pong':
        return this.#setup.pulse.pong(id, message.id) // or its guard's
      case 'said':
      case 'exiting':
      case 'probed':
      case 'counted':
        return // heard by who asked: the returned worker, or its guard
    }
  }

  ended(id: number, slot: number, member: Member | undefined, exit: Exit, error: Error | undefined): void {
    if (error !== undefined) this.refusal = asSpawnError(this.#setup.settings().cwd, error)
    const worker = this.#setup.state().workers.get(id)
    // Why brood ended it says more than how it ended.
    const fault = worker !== undefined && 'fault' in worker ? worker.fault : undefined
    const expected = worker !== undefined && isLeaving(worker) && fault === undefined
    const isUnknown = exit.code === null && exit.signal === null && error === undefined
    const { limits } = this.#setup.settings()
    const shortage = member?.ranOut === true ? { limit: limits?.memory } : undefined
    const reason =
      expected && isUnknown ? 'ended' : describeExit(exit, error, member?.uncaught?.summary, shortage)
    if (!expected) {
      const stderr = this.#setup.output.lastErrors(slot)
      const stack = member?.blockedAt ?? member?.uncaught?.stack
      this.failure = { at: this.#setup.clock.now(), slot, reason: fault ?? reason, stack, stderr }
    }
    this.#sockets.left(id)
    member?.guard.close()
    this.#take({ type: 'exited', worker: id, exit, reason })
  }

  /** A worker asked for the socket of an address it was not born with. */
  #give(member: Member, request: number, address: ListenAddress): void {
    if (!member.process.takesSockets) {
      const reason = 'listens on another address, which only a worker of this supervisor can be given'
      return this.#take({ type: 'fault', worker: member.id, reason })
    }
    const known = this.#sockets.remembered.length
    this.refusal = this.#sockets.give(member.id, request, address) ?? this.refusal
    if (this.#sockets.remembered.length > known) this.#setup.events.changed()
  }

  #take(event: Event): void {
    this.#setup.take(event)
  }
}
