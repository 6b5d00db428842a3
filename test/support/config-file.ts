// A configuration file of a test, which is written again and again.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './temporary.ts'

export class ConfigFile {
  readonly path: string

  constructor(t: TestContext) {
    this.path = join(temporaryFolder(t), 'brood.config.json')
  }

  /** Its path, now with these apps, and what else belongs to the file. */
  write(apps: readonly object[], more: object = {}): string {
    writeFileSync(this.path, JSON.stringify({ apps, ...more }))
    return this.path
  }
}
