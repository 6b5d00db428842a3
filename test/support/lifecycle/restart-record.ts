// Counts restarts from outside, by what is spawned after which crash, and holds them against the promised intensity.
import assert from 'node:assert/strict'
import type { Millis } from '../../../src/kernel/clock.ts'
import type { AppState, Effect, Event, Policy } from '../../../src/supervisor/state.ts'

const commands: ReadonlySet<string> = new Set(['start', 'restart', 'reload'])

interface SlotRecord {
  crashed: boolean
  readonly restarts: Millis[]
}

/** A restart is a spawn in a slot after a crash there, unless a command asked for that spawn. */
export class RestartRecord {
  readonly #policy: Policy
  readonly #slots = new Map<number, SlotRecord>()

  constructor(policy: Policy) {
    this.#policy = policy
  }

  see(before: AppState, event: Event, after: AppState, effects: readonly Effect[], now: Millis): void {
    const notices = effects.flatMap((effect) => (effect.type === 'notice' ? [effect.notice] : []))
    const starts = after.operation.type === 'start' || notices.some(({ type }) => type === 'started')
    const isTheirTurn = before.pending !== undefined && after.pending === undefined
    const commanded = isTheirTurn || (before.operation.type === 'none' && commands.has(event.type))
    if (starts && (commanded || before.operation.type === 'restart')) {
      this.#slots.clear()
      return // what this step spawns, the command asked for
    }
    for (const slot of this.#slots.keys()) if (slot >= after.size) this.#slots.delete(slot)
    for (const notice of notices) {
      if (notice.type !== 'worker-exited' || notice.expected || notice.slot >= after.size) continue
      this.#slot(notice.slot).crashed = true
    }
    for (const effect of effects) {
      if (effect.type === 'spawn') this.#spawned(after, effect.worker, effect.slot, now)
    }
  }

  #spawned({ operation }: AppState, worker: number, slot: number, now: Millis): void {
    if (operation.type === 'reload' && operation.current.some(({ next }) => next === worker)) {
      this.#slots.delete(slot) // a reload gives the slot a new beginning
      return
    }
    const record = this.#slot(slot)
    if (!record.crashed) return
    record.crashed = false
    record.restarts.push(now)
    const within = record.restarts.filter((time) => time > now - this.#policy.period)
    const { intensity, period } = this.#policy
    assert.ok(
      within.length <= intensity,
      `slot ${slot}: ${within.length} restarts in ${period} ms, at ${within}`,
    )
  }

  #slot(slot: number): SlotRecord {
    const record = this.#slots.get(slot) ?? { crashed: false, restarts: [] }
    this.#slots.set(slot, record)
    return record
  }
}
