// A worker that an earlier supervisor started: known by its pid, spoken to over the line on which it has come back.
import type { Clock, Millis } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import { endGroup, signalGroup } from '../process/process-group.ts'
import { isAlive, signalProcess } from '../process/tree.ts'
import type { SupervisorMessage } from '../wire/messages.ts'
import type { WorkerConnection } from './worker-line.ts'
import { lastWordsWithin, type WorkerEvents, type WorkerProcess } from './worker-process.ts'

/** How often a worker that has not come back yet is looked at; once it has, its end is told by its connection. */
const lookEvery: Millis = 100
/** A process that is gone may still be seen for a moment after its connection has ended. */
const gonePollEvery: Millis = 5

export interface Survivor {
  readonly pid: number
  /** Tells it from a later process of the same number. */
  readonly started: string
  readonly startedAt: Millis
}

export class ReturnedWorker implements WorkerProcess {
  readonly takesSockets = false
  readonly pid: number
  readonly startedAt: Millis
  readonly #survivor: Survivor
  readonly #events: WorkerEvents
  readonly #clock: Clock
  /** What was said before it came back. */
  #unsent: SupervisorMessage[] = []
  #connection: WorkerConnection | undefined
  #exitCode: number | null = null
  #exited = false
  #cancel: () => void

  constructor(survivor: Survivor, events: WorkerEvents, clock: Clock) {
    this.pid = survivor.pid
    this.startedAt = survivor.startedAt
    this.#survivor = survivor
    this.#events = events
    this.#clock = clock
    this.#cancel = clock.at(clock.now() + lookEvery, () => this.#look())
  }

  /** It has come back, on this connection. */
  attach(connection: WorkerConnection): void {
    this.#cancel()
    this.#connection?.close()
    this.#connection = connection
    connection.take({
      message: (message) => {
        if (message.type === 'exiting') this.#exitCode = message.code
        else if (message.type === 'said') this.#events.said(message.message)
        else this.#events.message(message)
      },
      close: (error) => {
        if (this.#connection === connection) this.#onLineClosed(error)
      },
    })
    for (const message of this.#unsent.splice(0)) connection.send(message)
  }

  send(message: SupervisorMessage): void {
    if (this.#connection === undefined) this.#unsent.push(message)
    else this.#connection.send(message)
  }

  sendListener(): boolean {
    return false
  }

  sendClient(): boolean {
    return false
  }

  sendConnection(): boolean {
    return false
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#exited) signalGroup(this.pid, signal)
  }

  signalLeader(signal: NodeJS.Signals): void {
    if (!this.#exited) signalProcess(this.pid, signal)
  }

  endRest(signal: NodeJS.Signals, within: Millis): Promise<void> {
    return endGroup(this.pid, signal, this.#clock.now() + within, this.#clock)
  }

  /** Not there yet: only looking tells whether it still lives. */
  #look(): void {
    if (!this.#isAlive()) this.#end()
    else this.#cancel = this.#clock.at(this.#clock.now() + lookEvery, () => this.#look())
  }

  /** The kernel closes the line as the process dies; if the process is still there after a while, something else did. */
  #onLineClosed(error: Error | undefined): void {
    const until = this.#clock.now() + lastWordsWithin
    const look = (): void => {
      if (!this.#isAlive()) this.#end()
      else if (this.#clock.now() < until)
        this.#cancel = this.#clock.at(this.#clock.now() + gonePollEvery, look)
      else {
        this.#events.fault(error ?? new BroodError('bad_frame', 'the worker closed its line'))
        this.#look()
      }
    }
    look()
  }

  #isAlive(): boolean {
    return isAlive({ pid: this.pid, group: this.pid, started: this.#survivor.started })
  }

  #end(): void {
    if (this.#exited) return
    this.#exited = true
    this.#cancel()
    // Without a last word it was killed by a signal, and only its parent, the supervisor that is gone, could know which.
    this.#events.exit({ code: this.#exitCode, signal: null }, undefined)
  }
}
