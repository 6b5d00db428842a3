// Draws faults from a shuffled deck, does one after the other, and checks after each that the guarantees held.
import type { TestContext } from 'node:test'
import { type Counts, countsOf } from '../figures.ts'
import { Arena } from './arena.ts'
import { check } from './checks.ts'
import type { Fault } from './fault.ts'
import { commands } from './faults/commands.ts'
import { files } from './faults/files.ts'
import { kills } from './faults/kills.ts'
import { stops } from './faults/stops.ts'

export const faults: readonly Fault[] = [...kills, ...stops, ...commands, ...files]

/** Longer than the longest command takes, in milliseconds. */
const actWithin = 30_000

export interface Driven {
  readonly steps: number
  /** How often each fault was survived. */
  readonly survived: Readonly<Record<string, number>>
  /** What could not be done here, and why. */
  readonly skipped: Readonly<Record<string, string>>
  readonly counts: Counts
}

export interface DriveOptions {
  readonly seed: number
  readonly steps: number
  /** No step begins later. */
  readonly seconds: number
  /** Draws from these alone. */
  readonly only?: readonly string[]
}

/** The same seed draws the same faults with the same numbers; when exactly what is hit is the machine's doing. */
export async function drive(t: TestContext, options: DriveOptions): Promise<Driven> {
  const arena = await Arena.create(t, options.seed)
  const until = performance.now() + options.seconds * 1000
  const survived: Record<string, number> = {}
  const skipped: Record<string, string> = {}
  const all = faults.filter(({ name }) => options.only === undefined || options.only.includes(name))
  const possible = all.filter((fault) => {
    const why = fault.impossible?.(arena)
    if (why !== undefined) skipped[fault.name] = why
    return why === undefined
  })
  let deck: Fault[] = []
  let steps = 0
  while (steps < options.steps && performance.now() < until) {
    if (deck.length === 0) deck = arena.some(possible, possible.length)
    const fault = deck.shift()
    if (fault === undefined) break
    steps++
    const before = countsOf(arena.load.report)
    const since = performance.now()
    try {
      await check(arena, before, await withinBound(fault.act(arena)))
    } catch (cause) {
      throw new Error(`seed ${options.seed}, step ${steps}, '${fault.name}': ${cause}`, { cause })
    }
    t.diagnostic(`${steps}. ${fault.name}: ${Math.round(performance.now() - since)} ms`)
    survived[fault.name] = (survived[fault.name] ?? 0) + 1
  }
  const counts = countsOf(await arena.load.stop())
  return { steps, survived, skipped, counts }
}

/** A fault that does not come to its end is a failure with a name, and not a test without one. */
async function withinBound<T>(act: Promise<T>): Promise<T> {
  const over = Promise.withResolvers<never>()
  const timer = setTimeout(() => over.reject(new Error(`not done after ${actWithin / 1000} s`)), actWithin)
  try {
    return await Promise.race([act, over.promise])
  } finally {
    clearTimeout(timer)
  }
}
