// What an earlier supervisor has left, put back: apps as they were wanted, workers that live, a reload that was under way.
import type { Clock } from '../kernel/clock.ts'
import { BroodError, messageOf } from '../kernel/errors.ts'
import type { RememberedAddress } from '../supervisor/addresses.ts'
import type { KeptSocket } from '../supervisor/spawned-worker.ts'
import { closeSocket } from '../wire/any-socket.ts'
import type { Apps, Entry } from './apps.ts'
import type { Chronicle } from './chronicle.ts'
import type { Companions } from './companions.ts'
import { asInstalled } from './front/front.ts'
import { isGiven } from './given-sockets.ts'
import type { Home } from './home.ts'
import type { Memory } from './memory.ts'
import type { RememberedApp } from './state-file.ts'
import { endRemains, endWorkers, type FoundWorker } from './survivors.ts'

/** How long a worker that nobody takes back may take to end, in milliseconds. */
const orphanGrace = 10_000

export class Restoration {
  readonly #home: Home
  readonly #clock: Clock
  readonly #apps: Apps
  readonly #companions: Companions
  readonly #chronicle: Chronicle
  readonly #memory: Memory
  /** Processes of whom no app is known any more, on their way out. */
  readonly #leaving: Promise<void>[] = []

  constructor(
    home: Home,
    clock: Clock,
    apps: Apps,
    companions: Companions,
    chronicle: Chronicle,
    memory: Memory,
  ) {
    this.#home = home
    this.#clock = clock
    this.#apps = apps
    this.#companions = companions
    this.#chronicle = chronicle
    this.#memory = memory
  }

  /** Living workers are expected back, what is wanted is started; whoever cannot start is reported, the others go on. */
  begin(
    apps: readonly RememberedApp[],
    sockets: readonly KeptSocket[],
    workers: readonly FoundWorker[],
  ): void {
    const known = new Set(apps.map(({ spec }) => spec.name))
    for (const remembered of apps.map(asRememberedNow)) {
      const { name } = remembered.spec
      const own = workers.filter(({ birth }) => birth.app === name)
      const left = sockets.filter(({ app }) => app === name)
      this.#restore(remembered, left, own)
    }
    for (const one of sockets) if (!known.has(one.app) && !isGiven(one)) closeSocket(one.socket)
    // Workers of an app nobody knows: its first start was going on, or it was deleted.
    const strangers = workers.filter(({ birth }) => !known.has(birth.app))
    this.#letGo(strangers, orphanGrace)
    this.#leaving.push(endRemains(this.#home, workers, this.#clock))
  }

  /** Settles when nobody is left of whom no app is known. */
  async strangersGone(): Promise<void> {
    await Promise.all(this.#leaving)
  }

  #restore(remembered: RememberedApp, sockets: readonly KeptSocket[], workers: readonly FoundWorker[]): void {
    const { spec, size, wanted } = remembered
    const { name } = spec
    const unfinished = workers.length > 0 || bringsAnother(remembered) ? remembered : finished(remembered)
    // Without workers it is still to be started.
    const goesOn = wanted === 'running' && workers.length > 0
    let entry: Entry
    try {
      entry = this.#apps.add({ ...spec, workers: size }, unfinished, goesOn ? wanted : undefined)
    } catch (error) {
      this.#memory.unrestored.set(name, remembered)
      this.#chronicle.failed(spec, messageOf(error)) // a user that is gone, say
      this.#letGo(workers, spec.stop.grace)
      return
    }
    const { app } = entry
    try {
      // The schema of the file is that of the messages.
      const addresses = remembered.addresses as RememberedAddress[]
      app.takeover.begin(addresses, sockets, workers)
      if (wanted === 'stopped') return
      void this.#companions.attend(entry)
      const up = this.#bringUp(entry, goesOn)
      entry.restored = up.catch(() => {})
      up.then(() => this.#finishReload(entry, unfinished)).catch((error) => {
        const isCalledOff = error instanceof BroodError && error.code === 'aborted'
        if (!isCalledOff) this.#chronicle.failed(spec, messageOf(error))
      })
    } catch (error) {
      // Somebody else has its address today; the wish to run is kept for the next supervisor.
      this.#memory.wanted.add(spec.name)
      this.#chronicle.failed(spec, messageOf(error))
      this.#letGo(workers, spec.stop.grace)
    }
  }

  /** If this supervisor ended before they do, they would bring up another. */
  #letGo(workers: readonly FoundWorker[], within: number): void {
    this.#leaving.push(endWorkers(workers, within, this.#clock))
  }

  /** After what it depends on, however long that takes; what runs already waits for nobody. */
  async #bringUp(entry: Entry, runs: boolean): Promise<void> {
    const { name } = entry.spec
    this.#memory.wanted.add(name) // also if this supervisor dies before it has begun to start it
    if (!runs) await this.#companions.awaitDependencies(entry, undefined)
    await entry.app.commands.start(false)
    this.#memory.wanted.delete(name)
  }

  /** What an earlier supervisor was about to do; a description that fails is taken back, as it would have been. */
  async #finishReload(entry: Entry, { reloading, trusted }: RememberedApp): Promise<void> {
    if (reloading === undefined) return
    const { app, previous } = entry
    if (await app.commands.resumeReload(reloading)) return
    // Other reloads bring the same description anew.
    if (reloading !== trusted && previous !== undefined && previous.release === trusted) {
      app.commands.withdraw(reloading)
      entry.spec = previous.spec
      entry.previous = undefined // the one before that is not known any more
      void this.#companions.attend(entry)
    }
    this.#memory.trySave()
  }
}

/** Both descriptions: a reload that fails goes back to the one before. */
function asRememberedNow({ spec, previous, ...rest }: RememberedApp): RememberedApp {
  return {
    ...rest,
    spec: asInstalled(spec),
    ...(previous === undefined ? {} : { previous: { ...previous, spec: asInstalled(previous.spec) } }),
  }
}

/** Whether the reload that was going on was to bring another description, which has yet to prove itself. */
function bringsAnother({ previous, reloading, trusted }: RememberedApp): boolean {
  return reloading !== undefined && previous !== undefined && previous.release === trusted
}

/** Without workers there is nothing left to replace. */
function finished({ reloading: _, trusted: __, ...rest }: RememberedApp): RememberedApp {
  return rest
}
