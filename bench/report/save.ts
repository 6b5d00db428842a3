// Writes a benchmark's raw figures to bench/results.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { repository, resultsDirectory } from '../system/paths.ts'

/** A run of selected parts is kept apart (and out of git), so that it never replaces the figures of a full one. */
export function saveResults(name: string, complete: boolean, results: object): string {
  const file = join(resultsDirectory, complete ? `${name}.json` : `${name}.tmp.json`)
  mkdirSync(resultsDirectory, { recursive: true })
  writeFileSync(file, `${JSON.stringify(results, roundFigures, 2)}\n`)
  return relative(repository, file)
}

/** Four decimals are more than any of these measurements can tell. */
function roundFigures(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(4)) : value
}
