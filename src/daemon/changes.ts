// Gives an app another description, and goes back to the one before when the new one fails.
import type { AppSpec } from '../config/app-spec.ts'
import { BroodError } from '../kernel/errors.ts'
import { type Apps, asItWas, bindPort, type Entry, end } from './apps.ts'
import type { Companions } from './companions.ts'
import type { Memory } from './memory.ts'

export class Changes {
  readonly #apps: Apps
  readonly #companions: Companions
  readonly #memory: Memory
  /** Apps that are between two descriptions, and what has been asked of them meanwhile. */
  readonly #restarting = new Map<string, { calledOff: 'stop' | 'delete' | undefined }>()

  constructor(apps: Apps, companions: Companions, memory: Memory) {
    this.#apps = apps
    this.#companions = companions
    this.#memory = memory
  }

  /** Throws while an app is restarted for a change: until that is over there is not one description, nor one set of workers. */
  assertFree(name: string): void {
    if (this.#restarting.has(name)) {
      const message = `'${name}' is in the middle of a change that restarts it: wait for its end, or stop it`
      throw new BroodError('busy', message)
    }
  }

  /** Whoever stops or deletes an app does not want it to come back, by whichever description. */
  callOff(name: string, why: 'stop' | 'delete'): void {
    const change = this.#restarting.get(name)
    if (change !== undefined) change.calledOff = why
  }

  /** By a reload, or without touching the workers; if a new worker fails, it is as it was. */
  async gently(entry: Entry, spec: AppSpec, how: 'live' | 'reload'): Promise<void> {
    await asItWas(entry)
    this.assertFree(spec.name)
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
      await this.#companions.attendStill(entry)
      this.#memory.trySave()
    }
  }

  /** For what cannot change while workers run, such as the port: ends the app and starts it anew; if that fails, as it was. */
  async byRestart(spec: AppSpec): Promise<void> {
    const { name } = spec
    this.assertFree(name)
    const entry = this.#apps.get(name)
    const { spec: old, previous: older } = entry
    this.#apps.settings(spec) // a user that does not exist must be known before anything ends
    const change: { calledOff: 'stop' | 'delete' | undefined } = { calledOff: undefined }
    this.#restarting.set(name, change)
    this.#memory.wanted.add(name) // also if this supervisor dies between the two
    try {
      await end(entry)
      assertGoesOn()
      // A supervisor that comes after this one has to know the way back, too.
      await this.#startAnew(spec, true, { release: 1, spec: old })
    } catch (error) {
      if (change.calledOff === undefined) await this.#startAnew(old, false, older)
      else if (change.calledOff === 'stop') this.#apps.add(old).previous = older
      assertGoesOn()
      throw error
    } finally {
      this.#restarting.delete(name)
      this.#memory.trySave()
    }

    function assertGoesOn(): void {
      if (change.calledOff === undefined) return
      const how = change.calledOff === 'stop' ? 'stopped' : 'deleted'
      throw new BroodError('aborted', `'${name}' was ${how} while it was being changed`)
    }
  }

  async #startAnew(spec: AppSpec, fresh: boolean, previous: Entry['previous']): Promise<void> {
    const entry = this.#apps.add(spec)
    entry.previous = previous
    try {
      bindPort(entry)
      this.#memory.trySave() // a next supervisor must not take these workers for ones of the other description
      await entry.app.commands.start(fresh)
      this.#memory.wanted.delete(spec.name)
      await this.#companions.attend(entry)
    } catch (error) {
      if (fresh) await end(entry)
      throw error
    }
  }
}
