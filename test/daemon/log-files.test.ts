// The last words of a worker, found where they are: in the file it was born with, or in the one that came after a rotation.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { homeOf } from '../../src/daemon/home.ts'
import { fileOutput } from '../../src/daemon/log-files.ts'
import type { Output } from '../../src/supervisor/app-settings.ts'
import { temporaryFolder } from '../support/temporary.ts'

function outputOf(t: TestContext): { output: Output; path: string; rotated: string } {
  const home = homeOf({ BROOD_HOME: temporaryFolder(t) })
  mkdirSync(home.logs)
  const output = fileOutput(home, 'web')
  const path = join(home.logs, 'web-0.err.log')
  appendFileSync(path, 'of the worker before\n')
  output.open(0).close()
  return { output, path, rotated: join(home.logs, 'web-0.err.20261121T111201.000Z.log') }
}

test('what the worker wrote, not what was there before, without times', (t) => {
  const { output, path } = outputOf(t)
  appendFileSync(path, 'one\n\n    at x (node:internal/x:1:1)\n2026-11-21T10:00:00.000Z two\n')
  appendFileSync(
    path,
    '{"time":"2026-11-21T10:00:00.000Z","stream":"stderr","slot":0,"pid":1,"line":"three"}\n',
  )
  assert.deepEqual(output.lastErrors(0), ['one', 'two', 'three'])
})

test('after a rotation its own words from the new file, those of Node from the old one', (t) => {
  const { output, path, rotated } = outputOf(t)
  renameSync(path, rotated)
  appendFileSync(path, 'its own\n')
  appendFileSync(rotated, 'FATAL ERROR: heap out of memory\n')
  assert.deepEqual(output.lastErrors(0), ['its own', 'FATAL ERROR: heap out of memory'])
})

test('nothing where nothing is, or no worker was', (t) => {
  const { output, path, rotated } = outputOf(t)
  assert.deepEqual(output.lastErrors(1), [])
  renameSync(path, rotated)
  assert.deepEqual(output.lastErrors(0), [])
})

test('a folder that somebody has removed is made anew for the next worker, for nobody else to look into', (t) => {
  const { output, path } = outputOf(t)
  rmSync(dirname(path), { recursive: true })
  output.open(0).close()
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  appendFileSync(path, 'one\n')
  assert.deepEqual(output.lastErrors(0), ['one'])
})
