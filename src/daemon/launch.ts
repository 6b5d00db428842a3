// Makes sure that a supervisor runs, starting one in the background if need be.
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BroodError, type ErrorCode, errorCodes } from '../kernel/errors.ts'
import type { ControlClient } from './control/client.ts'
import { asHomeError, type Home, prepareHome } from './home.ts'
import { withStartLock } from './start-lock.ts'

const main = fileURLToPath(new URL(`./main${import.meta.url.slice(-3)}`, import.meta.url))

/** A small young generation: the supervisor makes little garbage, and its memory is counted against the apps'. */
const supervisorNodeArgs = ['--max-semi-space-size=1']

export async function ensureSupervisor(home: Home, client: ControlClient): Promise<void> {
  prepareHome(home)
  if (await client.isAlive()) return
  await withStartLock(home, async () => {
    // Somebody else may have started it while we waited for the lock.
    if (!(await client.isAlive())) await launch(home)
  })
}

async function launch(home: Home): Promise<void> {
  let log: number
  try {
    log = openSync(home.ownLog, 'a', 0o600)
  } catch (error) {
    throw asHomeError(home, error)
  }
  const child = spawn(process.execPath, [...supervisorNodeArgs, main], {
    cwd: home.path,
    detached: true,
    env: environment(home),
    stdio: ['ignore', log, log, 'pipe'],
  })
  closeSync(log)
  const pipe = child.stdio[3]
  let text = ''
  try {
    if (pipe === null || pipe === undefined || !('on' in pipe))
      throw new TypeError('the ready pipe is missing')
    child.on('error', (error) => pipe.destroy(error))
    for await (const chunk of pipe as AsyncIterable<Buffer>) text += chunk
  } catch (cause) {
    throw new BroodError(
      'supervisor_unreachable',
      `the supervisor could not be started; see ${home.ownLog}`,
      { cause },
    )
  }
  child.unref()
  readReport(text, home)
}

/** Started from within a worker, a supervisor must not look like one. */
function environment(home: Home): NodeJS.ProcessEnv {
  const { BROOD_SLOT: _slot, BROOD_APP: _app, NODE_APP_INSTANCE: _instance, ...rest } = process.env
  return { ...rest, BROOD_HOME: home.path }
}

function readReport(text: string, home: Home): void {
  if (text === '') {
    throw new BroodError(
      'supervisor_unreachable',
      `the supervisor ended before it was ready; see ${home.ownLog}`,
    )
  }
  const report: { ready?: true; error?: { code: string; message: string } } = JSON.parse(text)
  if (report.error === undefined) return
  const { code, message } = report.error
  throw new BroodError(Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'internal', message)
}
