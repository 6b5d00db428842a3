// Carries a plan out, step by step through the control API; the first failure ends it and says what was done before.
import type { AppPlan, Plan } from '../config/plan.ts'
import type { ControlClient } from '../daemon/control/client.ts'
import type { AppResult } from '../daemon/control/contract.ts'
import { BroodError, type ErrorCode } from '../kernel/errors.ts'
import { workersText } from './act-on-apps.ts'

/** Calls `done` with a line for each app that was changed. */
export async function applyPlan(
  client: ControlClient,
  plan: Plan,
  done: (line: string) => void,
): Promise<void> {
  const finished: string[] = []
  for (const app of plan) {
    try {
      const line = await applyOne(client, app)
      if (line === undefined) continue
      finished.push(line)
      done(line)
    } catch (error) {
      throw error instanceof BroodError ? afterOthers(error, finished) : error
    }
  }
}

async function applyOne(client: ControlClient, app: AppPlan): Promise<string | undefined> {
  const { name } = app
  switch (app.action) {
    case 'unchanged':
    case 'stays':
      return undefined
    case 'start': {
      const { size } = await client.call('start', { spec: app.spec })
      return `started ${name}: ${workersText(size)}`
    }
    case 'remove': {
      const results = await client.call('delete', { target: name })
      for (const result of results) assertDone(result)
      return `removed ${name}`
    }
    case 'change': {
      let size: number | undefined
      if (app.how !== 'scale') {
        const result = await client.call('update', { spec: app.spec, how: app.how })
        assertDone(result)
        size = result.report?.size
      }
      // A new description may have brought its number of workers along.
      if (app.scale !== undefined && app.scale !== size)
        await client.call('scale', { app: name, change: `${app.scale}` })
      return `${past[app.how]} ${name}`
    }
  }
}

const past = { live: 'changed', scale: 'scaled', reload: 'reloaded', restart: 'restarted' } as const

function assertDone({ error }: AppResult): void {
  // Codes come from a supervisor of the same protocol.
  if (error !== undefined)
    throw new BroodError(error.code as ErrorCode, error.message, { detail: error.detail })
}

function afterOthers(error: BroodError, finished: readonly string[]): BroodError {
  const before =
    finished.length === 0 ? 'everything is as it was' : `done before that: ${finished.join(', ')}`
  return new BroodError(error.code, `${error.message} (${before})`, { cause: error, detail: error.detail })
}
