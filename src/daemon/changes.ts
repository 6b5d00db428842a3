// Gives an app another description, and goes back to the one before when the new one fails.
import type { AppSpec } from '../config/app-spec.ts'
import { type Apps, asItWas, bindPort, type Entry, end } from './apps.ts'
import type { Companions } from './companions.ts'
import type { Memory } from './memory.ts'

export class Changes {
  readonly #apps: Apps
  readonly #companions: Companions
  readonly #memory: Memory

  constructor(apps: Apps, companions: Companions, memory: Memory) {
    this.#apps = apps
    this.#companions = companions
    this.#memory = memory
  }

  /** By a reload, or without touching the workers; if a new worker fails, it is as it was. */
  async gently(entry: Entry, spec: AppSpec, how: 'live' | 'reload'): Promise<void> {
    await asItWas(entry)
    const { spec: old, previous: older, app } = entry
    const settings = this.#apps.settings(spec)
    entry.previous = { release: app.releases.number, spec: old }
    entry.spec = spec
    try {
      if (how === 'live') app.adjust(settings)
      else await app.commands.update(settings)
      this.#apps.tend(spec.name) // by the rules it has now
    } catch (error) {
      entry.spec = old
      entry.previous = older
      throw error
    } finally {
      await this.#companions.attend(entry)
      this.#memory.trySave()
    }
  }

  /** For what cannot change while workers run, such as the port: ends the app and starts it anew; if that fails, as it was. */
  async byRestart(entry: Entry, spec: AppSpec): Promise<void> {
    const { spec: old, previous: older } = entry
    this.#apps.settings(spec) // a user that does not exist must be known before anything ends
    this.#memory.wanted.add(spec.name) // also if this supervisor dies between the two
    await end(entry)
    try {
      const next = await this.#startAnew(spec, true)
      next.previous = { release: 1, spec: old }
    } catch (error) {
      const before = await this.#startAnew(old, false)
      before.previous = older
      throw error
    } finally {
      this.#memory.trySave()
    }
  }

  async #startAnew(spec: AppSpec, fresh: boolean): Promise<Entry> {
    const entry = this.#apps.add(spec)
    try {
      bindPort(entry)
      await entry.app.commands.start(fresh)
      this.#memory.wanted.delete(spec.name)
      await this.#companions.attend(entry)
      return entry
    } catch (error) {
      if (fresh) await end(entry)
      throw error
    }
  }
}
