/** A disk so small that a test can fill it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Brood } from './brood.ts'

export interface Disk {
  fill(): void
  makeRoom(): void
}

/** A brood whose home is on a disk of that size; undefined, and the test skipped, where none can be mounted. */
export function smallDisk(t: TestContext, size = '1m'): { brood: Brood; disk: Disk } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'brood-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    rmdirSync(folder)
    t.skip('no file system can be mounted here (that takes root, and a container that may)')
    return undefined
  }
  const unmount = (): void => {
    execFileSync('umount', ['--lazy', folder])
    rmdirSync(folder)
  }
  try {
    const brood = createIn(t, folder)
    t.after(unmount) // after the brood's own end, which removes its home
    return { brood, disk: diskAt(join(folder, 'filling')) }
  } catch (error) {
    unmount()
    throw error
  }
}

/** A brood whose home is there; `os.tmpdir()` looks at TMPDIR each time it is asked. */
function createIn(t: TestContext, folder: string): Brood {
  const usual = tmpdir()
  process.env.TMPDIR = folder
  try {
    return Brood.create(t, { TMPDIR: usual })
  } finally {
    process.env.TMPDIR = usual
  }
}

function diskAt(path: string): Disk {
  return {
    fill() {
      const fd = openSync(path, 'a')
      const block = Buffer.alloc(4096)
      try {
        for (;;) writeSync(fd, block)
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error))
      } finally {
        closeSync(fd)
      }
    },
    makeRoom: () => rmSync(path, { force: true }),
  }
}
