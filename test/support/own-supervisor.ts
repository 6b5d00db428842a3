// A supervisor that is the test's own child, so that its end can be waited for.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { environmentOf, root } from './command.ts'

/** Started as `brood start` does it; ends with the test. */
export async function ownSupervisor(
  t: TestContext,
  home: string,
  env: NodeJS.ProcessEnv = {},
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(root, 'dist/daemon/main.js')], {
    cwd: home,
    env: environmentOf(home, { ...env, BROOD_READY_FD: '3' }),
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  t.after(() => {
    child.kill('SIGKILL')
  })
  const ready = child.stdio[3]
  assert.ok(ready !== null && ready !== undefined)
  assert.equal(await text(ready as Readable), '{"ready":true}\n') // it is a pipe from the child
  return child
}
