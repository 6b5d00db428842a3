// Keeps the proxy in front of an app as the app's description wants it: there or not, and of the right kind.
import { type AppSpec, frontName } from '../../config/app-spec.ts'
import { BroodError } from '../../kernel/errors.ts'
import { type Apps, type Entry, end } from '../apps.ts'
import type { Changes } from '../changes.ts'
import { frontOf } from './front.ts'

export class Fronts {
  readonly #apps: Apps
  readonly #changes: Changes
  readonly #start: (spec: AppSpec) => Promise<unknown>

  constructor(apps: Apps, changes: Changes, start: (spec: AppSpec) => Promise<unknown>) {
    this.#apps = apps
    this.#changes = changes
    this.#start = start
  }

  /** The proxy of an app, if it has one. */
  of(app: string): Entry | undefined {
    const entry = this.#apps.find(frontName(app))
    return entry?.spec.proxyOf === app ? entry : undefined
  }

  /** What is left of it when its app was stopped, and is started again as one that has none. */
  forget(app: string): void {
    const front = this.of(app)
    if (front === undefined || front.app.state.workers.size > 0) return
    front.dismiss()
    front.app.close()
    this.#apps.remove(front)
  }

  /**
   * Gives an app another description by `change`, and the proxy what follows from it; if that fails, the app has its old one
   * again. The routes are followed by the proxy itself.
   */
  async around(spec: AppSpec, change: () => Promise<void>): Promise<void> {
    const { name } = spec
    const { spec: old } = this.#apps.get(name)
    // What it listens on may be the app's own from now on.
    if (frontOf(spec) === undefined) await this.#adapt(spec)
    try {
      await change()
    } catch (error) {
      // One that somebody has stopped or deleted meanwhile is to have no proxy either.
      if (!(error instanceof BroodError) || error.code !== 'aborted') await this.#adapt(old)
      throw error
    }
    try {
      await this.#adapt(spec)
    } catch (error) {
      await this.#changes.byRestart(old)
      await this.#adapt(old)
      throw error
    }
  }

  async #adapt(spec: AppSpec): Promise<void> {
    const wanted = frontOf(spec)
    const present = this.of(spec.name)
    if (wanted === undefined) {
      if (present === undefined) return
      await end(present)
      this.#apps.remove(present)
    } else if (present === undefined) await this.#start(wanted)
    else if (JSON.stringify(present.spec) !== JSON.stringify(wanted)) {
      if (present.spec.workers !== wanted.workers) await present.app.commands.scale(wanted.workers)
      await this.#changes.gently(present, wanted, 'reload')
    }
  }
}
