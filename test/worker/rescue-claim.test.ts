// Of several workers one starts the next supervisor: whoever has made the claim, as long as it renews it and lives.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { claimRescue, renewClaim } from '../../src/worker/rescue-claim.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A process that lives as long as this one, and is another. */
const somebody = process.ppid
/** One that cannot be: beyond the most that Linux gives. */
const nobody = 2 ** 22 + 1

const longAgo = Date.now() / 1000 - 60

interface Claim {
  readonly owner: number
  readonly isOld: boolean
}

function claimFile(t: TestContext, claim?: Claim): string {
  const path = join(temporaryFolder(t), 'claim')
  if (claim === undefined) return path
  writeFileSync(path, `${claim.owner}`)
  if (claim.isOld) utimesSync(path, longAgo, longAgo)
  return path
}

function ownerOf(path: string): number {
  return Number(readFileSync(path, 'utf8'))
}

describe('a claim', () => {
  const rows: [string, Claim | undefined, boolean][] = [
    ['that nobody has made is had', undefined, true],
    ['of another process that lives is respected', { owner: somebody, isOld: false }, false],
    ['that its owner has not renewed is taken over', { owner: somebody, isOld: true }, true],
    ['of a process that is gone is taken over', { owner: nobody, isOld: false }, true],
    ['of the process itself is had again', { owner: process.pid, isOld: false }, true],
  ]
  for (const [name, claim, isHad] of rows) {
    test(name, (t) => {
      const path = claimFile(t, claim)
      assert.equal(claimRescue(path), isHad)
      assert.equal(ownerOf(path), isHad ? process.pid : claim?.owner)
    })
  }
})

describe('the renewal of a claim', () => {
  test('makes it as good as new', (t) => {
    const path = claimFile(t, { owner: process.pid, isOld: true })
    renewClaim(path)
    assert.ok(statSync(path).mtimeMs > longAgo * 1000 + 30_000)
  })

  test('does nothing for that of another', (t) => {
    const path = claimFile(t, { owner: somebody, isOld: true })
    renewClaim(path)
    assert.ok(statSync(path).mtimeMs < longAgo * 1000 + 30_000)
  })

  test('does not bring back one that the new supervisor has removed', (t) => {
    const path = claimFile(t)
    renewClaim(path)
    assert.equal(existsSync(path), false)
  })
})
