// A lifecycle scenario: a list of things that happen, each with exactly what has to be done about it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Policy } from '../../../src/supervisor/state.ts'
import { Life } from './life.ts'

export interface Scenario {
  readonly name: string
  readonly size?: number
  readonly policy?: Partial<Policy>
  /** What happens, then all of its effects in order (see words.ts). */
  readonly steps: readonly (readonly [event: string, ...effects: string[]])[]
  /** How things stand at the end. */
  readonly workers?: string
  readonly slots?: string
  readonly operation?: string
  readonly wanted?: string
}

export function testScenarios(scenarios: readonly Scenario[]): void {
  for (const scenario of scenarios) {
    test(scenario.name, { timeout: 10_000 }, () => play(scenario))
  }
}

function play({ size, policy, steps, workers, slots, operation, wanted }: Scenario): void {
  const life = new Life(size ?? 1, policy)
  const done: string[] = []
  for (const [event, ...effects] of steps) {
    done.push(event)
    assert.deepEqual(life.do(event), effects, `after ${done.join(', ')}`)
  }
  if (workers !== undefined) assert.equal(life.workers, workers)
  if (slots !== undefined) assert.equal(life.slots, slots)
  if (operation !== undefined) assert.equal(life.state.operation.type, operation)
  if (wanted !== undefined) assert.equal(life.state.wanted, wanted)
}
