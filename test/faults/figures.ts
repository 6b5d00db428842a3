/** Keeps the figures of a run for `npm run faults`, which makes them a table; without it nothing is written. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LoadReport } from '../support/load/index.ts'

/** The folder is given by `npm run faults`. */
export function record(name: string, figures: Readonly<Record<string, unknown>>): void {
  const folder = process.env.BROOD_FAULT_FIGURES
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(figures))
}

export interface Counts {
  readonly requests: number
  readonly resets: number
  readonly refusals: number
  readonly timeouts: number
  readonly wrong: number
}

export function countsOf({ total }: LoadReport): Counts {
  const { successes, failures, resets, refusals, timeouts, wrong } = total
  return { requests: successes + failures, resets, refusals, timeouts, wrong }
}

export function assertNoneFailed(report: LoadReport): void {
  const { requests, ...failures } = countsOf(report)
  assert.ok(requests > 0, 'nothing was asked')
  assert.deepEqual(report.examples, [])
  assert.deepEqual(failures, { resets: 0, refusals: 0, timeouts: 0, wrong: 0 })
}

/** For `until`: so many more answers than now. */
export function answeredMore({ total }: LoadReport, more: number): (report: LoadReport) => boolean {
  const goal = total.successes + more
  return (report) => report.total.successes >= goal
}
