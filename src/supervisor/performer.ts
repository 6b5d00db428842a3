// What the lifecycle asks for, done: a worker is started, told to drain, signalled, killed.
import type { IdleConnections } from '../wire/messages.ts'
import type { AppEvents } from './app-events.ts'
import type { AppSockets } from './app-sockets.ts'
import type { Crew } from './crew.ts'
import { equip } from './equipment.ts'
import type { Reception } from './reception.ts'
import type { Releases } from './releases.ts'
import type { AppState, Effect, Event } from './state.ts'

export interface PerformerSetup {
  readonly releases: Releases
  readonly crew: Crew
  readonly sockets: AppSockets
  readonly reception: Reception
  readonly events: AppEvents
  state(): AppState
  take(event: Event): void
}

export class Performer {
  readonly #setup: PerformerSetup
  readonly #crew: Crew
  readonly #sockets: AppSockets

  constructor(setup: PerformerSetup) {
    this.#setup = setup
    this.#crew = setup.crew
    this.#sockets = setup.sockets
  }

  perform(effect: Exclude<Effect, { type: 'notice' }>): void {
    const { interpreter, stopSignal } = this.#setup.releases.latest
    const { worker: id } = effect
    const member = this.#crew.members.get(id)
    switch (effect.type) {
      case 'spawn':
        return this.#spawn(id, effect.slot, effect.release)
      case 'drain': {
        member?.guard.leaving()
        // Siblings take its queues over before it lets go of them.
        this.#sockets.left(id)
        // Only a signal tells a program in another language to go, and only it knows when it has finished.
        if (interpreter !== undefined) return this.#setup.take({ type: 'drained', worker: id })
        const idle = this.#idleConnections(id, effect.handOn)
        return member?.process.send({ type: 'drain', idle, within: effect.within, signal: stopSignal })
      }
      case 'signal':
        this.#sockets.left(id)
        member?.guard.leaving()
        return member?.process.signal(stopSignal)
      case 'kill':
        this.#sockets.left(id)
        return member?.process.signal('SIGKILL')
    }
  }

  #spawn(id: number, slot: number, release: number): void {
    const { releases, state, events, reception } = this.#setup
    const settings = releases.get(release)
    const equipment = equip(slot, state().size, settings, this.#sockets, events)
    this.#crew.spawn(id, slot, release, settings, equipment)
    const member = this.#crew.members.get(id)
    if (member === undefined) return // it could not be started
    if (member.pid === undefined) return // nor could this: the reason is on its way
    events.started(slot, member.pid)
    if (settings.interpreter !== undefined) reception.begunElsewhere(member)
  }

  /** Connections travel by way of this process, between two of its children. */
  #idleConnections(id: number, others: boolean): IdleConnections {
    if (!others) return 'close'
    const isOurs = this.#crew.members.get(id)?.process.takesSockets === true
    return isOurs && this.#sockets.hasHeir(id) ? 'hand-on' : 'linger'
  }
}
