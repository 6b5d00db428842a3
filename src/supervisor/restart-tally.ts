// How often the workers of each slot have ended unasked, for `brood list`.
import type { Notice } from './state.ts'

export class RestartTally {
  readonly #restarts = new Map<number, number>()

  of(slot: number): number {
    return this.#restarts.get(slot) ?? 0
  }

  notice(notice: Notice): void {
    if (notice.type === 'worker-exited' && !notice.expected) this.#add(notice.slot, 1)
    // What failed was a reload's new worker; the slot's own one has not ended.
    if (notice.type === 'reload-aborted' || notice.type === 'renewal-failed') this.#add(notice.slot, -1)
  }

  #add(slot: number, by: number): void {
    this.#restarts.set(slot, Math.max(0, this.of(slot) + by))
  }
}
