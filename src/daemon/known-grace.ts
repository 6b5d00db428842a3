// The longest time that an app of a home may take to stop, as far as its state file tells.
import { readFileSync } from 'node:fs'
import type { Millis } from '../kernel/clock.ts'

/** 0 when there is no state, or none that can be read; looks only, and sets nothing aside. */
export function longestKnownGrace(statePath: string): Millis {
  try {
    const state: unknown = JSON.parse(readFileSync(statePath, 'utf8'))
    return Math.max(0, ...appsOf(state).map(graceOf))
  } catch {
    return 0
  }
}

function appsOf(state: unknown): unknown[] {
  const apps = typeof state === 'object' && state !== null && 'apps' in state ? state.apps : []
  return Array.isArray(apps) ? apps : []
}

function graceOf(app: unknown): Millis {
  const grace = (app as { spec?: { stop?: { grace?: unknown } } } | null)?.spec?.stop?.grace // a missing part is undefined
  return typeof grace === 'number' && Number.isFinite(grace) ? grace : 0
}
