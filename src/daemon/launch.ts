// Makes sure that a supervisor runs: waits for the one that workers bring up, or starts one in the background.
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { systemClock } from '../kernel/clock.ts'
import { BroodError, type ErrorCode, errorCodes } from '../kernel/errors.ts'
import { ControlClient } from './control/client.ts'
import { asHomeError, type Home, prepareHome } from './home.ts'
import { awaitIncumbent } from './incumbent.ts'
import { withStartLock } from './start-lock.ts'
import { supervisorArgs, supervisorEnvironment } from './supervisor-process.ts'
import { version } from './version.ts'

/** Where the supervisor reports that it is ready. */
const readyDescriptor = 3

export async function ensureSupervisor(home: Home): Promise<void> {
  prepareHome(home)
  // One that waits for a supervisor would come back to this function.
  const client = new ControlClient(home.socket, version)
  const isThere = async (): Promise<boolean> =>
    (await awaitIncumbent(home, client, systemClock)) !== undefined
  if (await isThere()) return
  await withStartLock(home, async () => {
    // Somebody else may have started it while we waited for the lock.
    if (!(await isThere())) await launch(home)
  })
}

async function launch(home: Home): Promise<void> {
  let log: number
  try {
    log = openSync(home.ownLog, 'a', 0o600)
  } catch (error) {
    throw asHomeError(home, error)
  }
  const child = spawn(process.execPath, supervisorArgs, {
    cwd: home.path,
    detached: true,
    env: supervisorEnvironment(home, readyDescriptor),
    stdio: ['ignore', log, log, 'pipe'],
  })
  closeSync(log)
  const pipe = child.stdio[readyDescriptor]
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
