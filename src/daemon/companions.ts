// What moves an app without a command: its files, the clock, the apps and services it depends on, the group it belongs to.
import type { AppSpec } from '../config/app-spec.ts'
import type { Clock, Millis } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Apps, Entry } from './apps.ts'
import { attend } from './attendants.ts'
import type { Chronicle } from './chronicle.ts'
import { awaitDependencies, lookFor, type Wait } from './dependencies.ts'
import { followersOf } from './groups.ts'
import type { Home } from './home.ts'
import type { Memory } from './memory.ts'
import { changeReload } from './watch/change-reload.ts'

export class Companions {
  readonly #home: Home
  readonly #clock: Clock
  readonly #steady: Clock
  readonly #apps: Apps
  readonly #chronicle: Chronicle
  readonly #memory: Memory
  readonly #ending = new AbortController()
  /** By what settings apps are attended. */
  readonly #attended = new WeakMap<Entry, string>()

  /** `steady`: a clock that nobody sets, for what waits. */
  constructor(home: Home, clock: Clock, steady: Clock, apps: Apps, chronicle: Chronicle, memory: Memory) {
    this.#home = home
    this.#clock = clock
    this.#steady = steady
    this.#apps = apps
    this.#chronicle = chronicle
    this.#memory = memory
  }

  /** Begins the watch over its files and its cron pattern, in place of those there are; settles when they have begun. */
  async attend(entry: Entry): Promise<void> {
    const { name } = entry.spec
    entry.dismiss()
    // Why one failed is in the history; the next change tries again.
    const reload = changeReload(() => entry.app.commands.reload(), this.#steady)
    const { begun, end } = attend(entry.spec, this.#home, this.#clock, {
      changed: (path) => {
        this.#chronicle.asked(name, 'reload', `watch: ${path} changed`)
        reload.changed()
      },
      due: (pattern) => {
        this.#chronicle.asked(name, 'renewal', `cron '${pattern}'`)
        entry.app.renew(`cron '${pattern}'`)
      },
      failed: (reason) => {
        this.#attended.delete(entry)
        this.#chronicle.note({ type: 'warning', app: name, reason })
      },
    })
    this.#attended.set(entry, whatAttends(entry.spec))
    entry.dismiss = () => {
      this.#attended.delete(entry)
      reload.end()
      end()
    }
    await begun
  }

  /** As `attend`; what goes on already, by the same settings, is left alone: it may know of a change that is still to be acted on. */
  async attendStill(entry: Entry): Promise<void> {
    if (this.#attended.get(entry) !== whatAttends(entry.spec)) await this.attend(entry)
  }

  /** Settles when what the app depends on is there; throws `not_ready` after `within`, or never gives up without it. */
  async awaitDependencies(entry: Entry, within: Millis | undefined): Promise<void> {
    const { name, dependsOn } = entry.spec
    if (dependsOn.length === 0) return
    entry.waiting = new AbortController()
    const wait: Wait = {
      clock: this.#steady,
      signal: AbortSignal.any([entry.waiting.signal, this.#ending.signal]),
      whyNotUp: (app) => this.#whyNotUp(app),
    }
    try {
      await this.#tellOfWaiting(name, dependsOn, wait)
      await awaitDependencies(name, dependsOn, within, wait)
    } finally {
      entry.waiting = undefined
    }
  }

  /** One of a group has lost its last worker: others end, and come back when it is up again. */
  async fallen(fallen: Entry): Promise<void> {
    const names = followersOf(fallen.spec, this.#apps.specs)
    const affected = names
      .flatMap((name) => this.#apps.find(name) ?? [])
      .filter(({ spec, app }) => app.state.wanted === 'running' && !this.#memory.wanted.has(spec.name))
    if (affected.length === 0 || this.#ending.signal.aborted) return
    const cause = `dependency ${fallen.spec.name}`
    for (const { spec } of affected) this.#memory.wanted.add(spec.name)
    try {
      for (const { spec, app } of affected.toReversed()) {
        this.#chronicle.asked(spec.name, 'stop', cause)
        await app.commands.stop()
      }
      for (const { spec, app } of affected) {
        await this.#awaitUp(fallen.spec, spec, names)
        // Stopped, deleted or started by somebody meanwhile: then this is over for it.
        const isStill = this.#memory.wanted.has(spec.name) && this.#apps.find(spec.name)?.app === app
        if (!isStill || app.state.wanted === 'running') continue
        this.#chronicle.asked(spec.name, 'start', cause)
        await app.commands.start(false)
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#chronicle.failed(fallen.spec, messageOf(error))
    } finally {
      for (const { spec } of affected) this.#memory.wanted.delete(spec.name)
      this.#memory.trySave()
    }
  }

  /** Nobody waits for anything any more. */
  end(): void {
    this.#ending.abort()
    for (const { dismiss } of this.#apps.all) dismiss()
  }

  /** The one that fell, and those of the group on which this one stands. */
  #awaitUp(fallen: AppSpec, spec: AppSpec, group: readonly string[]): Promise<void> {
    const names = [fallen.name, ...spec.dependsOn.filter((one) => group.includes(one))]
    return awaitDependencies(spec.name, names, undefined, {
      clock: this.#steady,
      signal: this.#ending.signal,
      // One that was deleted meanwhile is not waited for.
      whyNotUp: (name) => (this.#apps.find(name) === undefined ? undefined : this.#whyNotUp(name)),
    })
  }

  async #tellOfWaiting(app: string, dependsOn: readonly string[], wait: Wait): Promise<void> {
    for (const one of dependsOn) {
      const missing = await lookFor(one, wait)
      if (missing === undefined) continue
      this.#chronicle.note({ type: 'app-waiting', app, reason: missing.name, cause: missing.why })
      return
    }
  }

  #whyNotUp(name: string): string | undefined {
    const entry = this.#apps.find(name)
    if (entry === undefined) return 'is no app: start it first'
    const { status } = this.#apps.report(entry)
    return status === 'running' || status === 'reloading' ? undefined : `is ${status}`
  }
}

function whatAttends({ watch, renew: { cron } }: AppSpec): string {
  return JSON.stringify([watch, cron])
}
