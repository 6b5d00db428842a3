// Keeps what the next supervisor has to know: written with every change, and forgotten only on purpose.
import { messageOf } from '../kernel/errors.ts'
import type { Apps, Entry } from './apps.ts'
import type { Chronicle } from './chronicle.ts'
import type { Home } from './home.ts'
import type { Line } from './inherited.ts'
import { forgetState, type RememberedApp, saveState } from './state-file.ts'

export class Memory {
  readonly #home: Home
  readonly #chronicle: Chronicle
  readonly #apps: () => Apps
  readonly #line: () => Line
  readonly #remember: boolean
  #isOver = false
  /** Apps whose first start is going on: until it has succeeded there is nothing to remember. */
  readonly starting = new Set<Entry>()
  /** Apps that are to run although they do not: they could not be started again, or are down for another one's sake. */
  readonly wanted = new Set<string>()
  /** Apps that could not be brought back as they are described: kept as they were, for a supervisor that can. */
  readonly unrestored = new Map<string, RememberedApp>()

  /** Without `remember` nothing is ever written. */
  constructor(home: Home, remember: boolean, chronicle: Chronicle, apps: () => Apps, line: () => Line) {
    this.#home = home
    this.#remember = remember
    this.#chronicle = chronicle
    this.#apps = apps
    this.#line = line
  }

  /** Throws when it cannot be written. */
  save(): void {
    this.#apps().routes.changed()
    if (!this.#remember || this.#isOver) return
    const apps = this.#apps()
      .all.filter((entry) => !this.starting.has(entry))
      .map(
        ({ spec, previous, app }): RememberedApp => ({
          spec,
          release: app.releases.number,
          previous,
          reloading: app.reloading,
          trusted: app.reloading === undefined ? undefined : app.state.release,
          wanted: this.wanted.has(spec.name) ? 'running' : app.state.wanted,
          size: app.state.size,
          addresses: [...app.addresses] as RememberedApp['addresses'],
        }),
      )
    const others = [...this.unrestored.values()].filter(
      ({ spec }) => this.#apps().find(spec.name) === undefined,
    )
    saveState(this.#home, { line: this.#line(), apps: [...apps, ...others] })
  }

  /** For changes nobody asked for: a state that cannot be written now is written with the next. */
  trySave(): void {
    try {
      this.save()
    } catch (error) {
      this.#chronicle.note({ type: 'worker-unwritten', reason: messageOf(error) })
    }
  }

  /** From now on nothing changes what is remembered. */
  end(): void {
    this.#isOver = true
  }

  /** Nothing is to come back. */
  forget(): void {
    if (this.#remember) forgetState(this.#home)
    this.#isOver = true
  }
}
