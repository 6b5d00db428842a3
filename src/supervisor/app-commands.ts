// The commands that one app takes: each settles with what came of it, or fails with the reason.
import { BroodError } from '../kernel/errors.ts'
import type { AppSettings } from './app-settings.ts'
import type { AppSockets } from './app-sockets.ts'
import type { Crew } from './crew.ts'
import { notReady } from './failure.ts'
import type { Lifecycle, Outcome } from './lifecycle.ts'
import type { Reception } from './reception.ts'
import type { Releases } from './releases.ts'
import type { AppState, Command, Event, Notice } from './state.ts'

export interface AppCommandsSetup {
  readonly releases: Releases
  readonly lifecycle: Lifecycle
  readonly reception: Reception
  readonly sockets: AppSockets
  readonly crew: Crew
  /** Settles when nobody keeps the addresses that were given back last. */
  released(): Promise<void>
}

export class AppCommands {
  readonly #setup: AppCommandsSetup
  readonly #lifecycle: Lifecycle
  #isOver = false

  constructor(setup: AppCommandsSetup) {
    this.#setup = setup
    this.#lifecycle = setup.lifecycle
  }

  /** Throws while it could take no other command than `stop`. */
  assertFree(): void {
    if (this.#isOver) throw new BroodError('busy', `'${this.#name}' is about to end: try again when it has`)
    const { operation, pending } = this.#lifecycle.state
    const isRenewal = operation.type === 'reload' && operation.why === 'renewal' && pending === undefined
    if (operation.type !== 'none' && !isRenewal) {
      throw new BroodError(
        'busy',
        `'${this.#name}' is in the middle of a ${operation.type}: wait for its end, or stop it`,
      )
    }
  }

  /** From now on it can only be stopped: nobody would look after workers that are started yet. */
  end(): void {
    this.#isOver = true
  }

  /** Starts all workers; with `fresh`, the first that fails ends the attempt with its reason. */
  async start(fresh: boolean): Promise<void> {
    const outcomes: Outcome[] = ['started', 'start-failed', 'stopped', 'slot-failed']
    const notice = await this.#run({ type: 'start', fresh }, outcomes)
    if (notice.type === 'started') return this.#assertUp()
    throw this.#notReady(notice)
  }

  async restart(): Promise<void> {
    const notice = await this.#run({ type: 'restart' }, ['started', 'slot-failed', 'stopped'])
    if (notice.type !== 'started') throw this.#notReady(notice)
  }

  async scale(size: number): Promise<void> {
    const notice = await this.#run({ type: 'scale', size }, ['scaled', 'slot-failed', 'stopped'])
    if (notice.type !== 'scaled') throw this.#notReady(notice, `its size is ${size} all the same`)
  }

  /** Settles when nothing of the app's process tree is left. */
  async stop(): Promise<void> {
    await this.#run({ type: 'stop' }, ['stopped'])
    await this.#setup.crew.ended()
    await this.#setup.released()
  }

  /** Replaces the workers of all slots, or of those given, one after the other. */
  async reload(slots?: readonly number[]): Promise<void> {
    if (slots !== undefined) return this.#reload({ type: 'reload', slots })
    // A number of its own tells a next supervisor which workers a reload that was cut short has not got to.
    return this.#reload({ type: 'reload', release: this.#setup.releases.repeat(), rollback: false })
  }

  /** Replaces all workers by ones of another description; if one of them fails, those replaced go back to the old one. */
  async update(settings: AppSettings): Promise<void> {
    const release = this.#setup.releases.add(settings)
    this.#lifecycle.take({ type: 'policy', policy: settings.policy })
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
    const { releases } = this.#setup
    releases.withdraw(release)
    this.#lifecycle.take({ type: 'policy', policy: releases.latest.policy })
  }

  /** Goes on with a reload that an earlier supervisor did not finish; false when its release has failed. */
  async resumeReload(release: number): Promise<boolean> {
    const behind = slotsBehind(this.#lifecycle.state, release)
    if (behind.length === 0) return true
    // As a whole, and so with its canary, if it had got nowhere.
    const which = behind.length === this.#lifecycle.state.size ? {} : { slots: behind }
    try {
      await this.#reload({ type: 'reload', ...which, release, rollback: true })
      return true
    } catch {
      await this.#takenBack()
      return false
    }
  }

  async #reload(command: Command & { type: 'reload' }): Promise<void> {
    // Of an app that does not run it is a start, which one failed slot ends; a running one goes on with the others.
    const ofStart: Outcome[] = this.#lifecycle.state.wanted === 'stopped' ? ['slot-failed'] : []
    const outcomes: Outcome[] = ['reloaded', 'reload-aborted', 'started', 'stopped', ...ofStart]
    const notice = await this.#run(command, outcomes)
    if (notice.type === 'reloaded' || notice.type === 'started') return
    throw this.#notReady(notice, 'the old workers go on')
  }

  /** What had a failed release has the old one again before anybody is told: then the next command is not too early. */
  async #takenBack(): Promise<void> {
    const { operation } = this.#lifecycle.state
    if (operation.type !== 'reload' || operation.why !== 'rollback') return
    await this.#lifecycle.until(['rolled-back', 'stopped'])
  }

  async #run(event: Command | (Event & { type: 'stop' }), outcomes: readonly Outcome[]): Promise<Notice> {
    const { reception, sockets, released } = this.#setup
    await released()
    if (event.type !== 'stop') this.assertFree()
    reception.refusal = undefined
    if (event.type !== 'stop') sockets.reopen()
    return this.#lifecycle.takeUntil(event, outcomes)
  }

  get #name(): string {
    return this.#setup.releases.latest.name
  }

  #assertUp(): void {
    const { slots } = this.#lifecycle.state
    const failed = slots.findIndex((slot) => slot.at === 'failed')
    const slot = slots[failed]
    if (slot?.at === 'failed')
      throw this.#notReady({ type: 'slot-failed', slot: failed, reason: slot.reason })
  }

  #notReady(notice: Notice, more?: string): BroodError {
    const { refusal, failure } = this.#setup.reception
    if (refusal !== undefined && notice.type === 'start-failed') return refusal
    return notReady(this.#name, notice, failure, more)
  }
}

/** Those that a reload to this release has not got to. */
function slotsBehind({ workers, slots, size }: AppState, release: number): number[] {
  const isBehind = (slot: number): boolean => {
    const here = [...workers.values()].filter((worker) => worker.slot === slot)
    return here.length === 0 ? slots[slot]?.release !== release : here.some((one) => one.release !== release)
  }
  return Array.from({ length: size }, (_, slot) => slot).filter(isBehind)
}
