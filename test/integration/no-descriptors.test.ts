// Where a process has as many files open as it may: what cannot be started is told of, or tried again, and kills nobody.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Ran } from '../support/brood.ts'
import { ranOf } from '../support/command.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 30_000 }
const fixture = fileURLToPath(new URL('../fixtures/starved/starved.ts', import.meta.url))

/** Node itself opens some 30. */
const limit = 100

function starved(deed: string, ...more: string[]): Promise<Ran> {
  const line = `ulimit -n ${limit}; exec "$@"`
  return ranOf(
    spawn('/bin/sh', ['-c', line, 'sh', process.execPath, fixture, deed, ...more], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

describe('a process without a free descriptor', { concurrency: 2 }, () => {
  const cases = [
    ['bring a supervisor up', /^not begun\n$/],
    ['start a worker', /^'.*node' could not be started: too many files are open \(ulimit -n\)\n$/],
    ['tidy logs', /^web: logs could not be tidied: spawn .* EMFILE\n$/],
  ] as const
  for (const [deed, says] of cases) {
    test(`cannot ${deed}, and lives on`, bounded, async () => {
      const { code, stdout, stderr } = await starved(deed)
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, says)
    })
  }

  test('leaves the start of a supervisor to others, and their claim alone', bounded, async (t) => {
    const claim = join(temporaryFolder(t), 'rescue.claim')
    assert.equal((await starved('claim the start of one', claim)).stdout, 'left to others\n')
    assert.equal(existsSync(claim), false)
    writeFileSync(claim, `${process.pid}`)
    assert.equal((await starved('claim the start of one', claim)).stdout, 'left to others\n')
    assert.equal(readFileSync(claim, 'utf8'), `${process.pid}`)
  })
})
