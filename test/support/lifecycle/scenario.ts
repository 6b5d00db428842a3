// A lifecycle scenario: a list of things that happen, each with exactly what has to be done about it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Policy } from '../../../src/supervisor/state.ts'
import { Life } from './life.ts'

export interface Scenario {
  readonly name: string
  readonly size?: number
  readonly policy?: Partial<Policy>
  /** What randomness there is, for the whole scenario. */
  readonly chance?: number
  /** An earlier supervisor has run the app: what is wanted is wanted from the beginning. */
  readonly inherited?: boolean
  /** What happens, then all of its effects in order (see words.ts). */
  readonly steps: readonly (readonly [event: string, ...effects: string[]])[]
  /** How things stand at the end. */
  readonly workers?: string
  /** Who stays, and by which release: `1:1 2:2`. */
  readonly releases?: string
  readonly slots?: string
  readonly operation?: string
  readonly wanted?: string
}

export function testScenarios(scenarios: readonly Scenario[]): void {
  for (const scenario of scenarios) {
    test(scenario.name, { timeout: 10_000 }, () => play(scenario))
  }
}

function play(scenario: Scenario): void {
  const { size, policy, chance, inherited, steps, workers, releases, slots, operation, wanted } = scenario
  const life = new Life(size ?? 1, policy, { chance, wanted: inherited === true ? 'running' : 'stopped' })
  const done: string[] = []
  for (const [event, ...effects] of steps) {
    done.push(event)
    assert.deepEqual(life.do(event), effects, `after ${done.join(', ')}`)
  }
  if (workers !== undefined) assert.equal(life.workers, workers)
  if (releases !== undefined) assert.equal(life.releases, releases)
  if (slots !== undefined) assert.equal(life.slots, slots)
  if (operation !== undefined) assert.equal(life.state.operation.type, operation)
  if (wanted !== undefined) assert.equal(life.state.wanted, wanted)
}
