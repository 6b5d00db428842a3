/** A folder for one test, gone after it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'brood-test-'))
  t.after(() => {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Somebody whom a later hook ends still writes into it; and a hook that throws would keep that one from running.
      process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    }
  })
  return folder
}

/** Writes a program into a folder of its own; its path. */
export function temporaryProgram(t: TestContext, name: string, source: string): string {
  const path = join(temporaryFolder(t), name)
  writeFileSync(path, source)
  return path
}
