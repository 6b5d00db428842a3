// The descriptions an app's workers were started by: numbered, so that each worker's own is known, and an older one can come back.
import type { AppSettings } from './app-settings.ts'

export class Releases {
  readonly #settings = new Map<number, AppSettings>()
  #latest: number

  constructor(release: number, settings: AppSettings) {
    this.#settings.set(release, settings)
    this.#latest = release
  }

  /** One from before, known by an earlier supervisor's number. */
  remember(release: number, settings: AppSettings): void {
    this.#settings.set(release, settings)
  }

  /** The number of the description that is wanted now. */
  get number(): number {
    return this.#latest
  }

  get latest(): AppSettings {
    return this.get(this.#latest)
  }

  /** A worker of an unknown release was left by an earlier supervisor; what replaces it is of the latest. */
  get(release: number): AppSettings {
    const settings = this.#settings.get(release) ?? this.#settings.get(this.#latest)
    if (settings === undefined) throw new RangeError(`there is no release ${this.#latest}`)
    return settings
  }

  add(settings: AppSettings): number {
    this.#latest = Math.max(...this.#settings.keys()) + 1
    this.#settings.set(this.#latest, settings)
    return this.#latest
  }

  /** The same description under a new number. */
  repeat(): number {
    return this.add(this.latest)
  }

  /** In place of the latest, under its number: nothing in it concerns the workers. */
  replace(settings: AppSettings): void {
    this.#settings.set(this.#latest, settings)
  }

  /** A release that has failed: the one before is wanted again. */
  withdraw(release: number): void {
    if (release !== this.#latest) return
    const before = [...this.#settings.keys()].filter((one) => one < release)
    if (before.length > 0) this.#latest = Math.max(...before)
  }

  /** Forgets what no worker needs any more. */
  prune(inUse: ReadonlySet<number>): void {
    for (const release of this.#settings.keys()) {
      if (release !== this.#latest && !inUse.has(release)) this.#settings.delete(release)
    }
  }
}
