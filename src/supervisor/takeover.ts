// Takes an app over from an earlier supervisor: its addresses, the sockets that were left, and the workers that live on.
import type { Clock, Millis } from '../kernel/clock.ts'
import type { Birth } from '../wire/birth.ts'
import type { BackMessage } from '../wire/messages.ts'
import type { RememberedAddress } from './addresses.ts'
import type { AppSockets } from './app-sockets.ts'
import type { Crew } from './crew.ts'
import type { Releases } from './releases.ts'
import { ReturnedWorker, type Survivor } from './returned-worker.ts'
import type { KeptSocket } from './spawned-worker.ts'
import type { Event } from './state.ts'
import type { WorkerConnection } from './worker-line.ts'

/** How long a worker of an earlier supervisor may take to come back; one that is blocked needs longer. */
const returnWithin: Millis = 10_000

/** A worker that has outlived its supervisor, and what it was told at its birth. */
type Orphan = Survivor & { readonly birth: Birth }

export interface TakeoverSetup {
  readonly releases: Releases
  readonly crew: Crew
  readonly sockets: AppSockets
  readonly clock: Clock
  take(event: Event): void
}

export class Takeover {
  readonly #setup: TakeoverSetup

  constructor(setup: TakeoverSetup) {
    this.#setup = setup
  }

  /** Binds as the earlier supervisor had bound, and expects its workers back. */
  begin(
    addresses: readonly RememberedAddress[],
    inherited: readonly KeptSocket[],
    workers: readonly Orphan[],
  ): void {
    const { sockets } = this.#setup
    sockets.inherit(addresses, inherited, workers.length > 0)
    if (workers.length > 0) this.#expect(workers)
    // All that can be known without the workers is known: queues nobody serves are given to somebody.
    sockets.adoptOrphans()
  }

  /** Whether it is a worker that is expected back. */
  expects(back: BackMessage): boolean {
    return this.#returnedOf(back) !== undefined
  }

  /** A worker of the earlier supervisor is back. False when it is none of ours. */
  takeBack(back: BackMessage, connection: WorkerConnection): boolean {
    const returned = this.#returnedOf(back)
    if (returned === undefined) return false
    returned.attach(connection)
    this.#setup.sockets.back(back.worker, back)
    this.#setup.take({ type: 'returned', worker: back.worker, phase: this.#phaseOf(back) })
    return true
  }

  #expect(orphans: readonly Orphan[]): void {
    const { releases, crew, sockets, clock, take } = this.#setup
    const workers = orphans.map(({ birth: { worker, slot, release } }) => ({ worker, slot, release }))
    for (const orphan of orphans) {
      const { worker, slot, release } = orphan.birth
      crew.find(worker, slot, releases.get(release), orphan)
    }
    for (const { worker } of workers) sockets.assume(worker)
    take({ type: 'found', workers, deadline: clock.now() + returnWithin })
    // A program in another language knows of no supervisor, and so of none that has gone.
    if (releases.latest.interpreter === undefined) return
    for (const { worker } of workers) take({ type: 'returned', worker, phase: 'ready' })
  }

  #returnedOf({ worker, pid }: BackMessage): ReturnedWorker | undefined {
    const member = this.#setup.crew.members.get(worker)
    return member?.process instanceof ReturnedWorker && member.pid === pid ? member.process : undefined
  }

  /** It may have become ready after its supervisor was gone. */
  #phaseOf({ phase, listening, alone }: BackMessage): BackMessage['phase'] {
    const { readyOn } = this.#setup.releases.latest
    const isReady =
      readyOn === 'spawn' ||
      (readyOn === 'listening' &&
        (alone === true || listening.some((key) => this.#setup.sockets.makesReady(key))))
    return phase === 'starting' && isReady ? 'ready' : phase
  }
}
