// The daemon's entry: a supervisor in the background, started by the command line, by systemd, or by what an earlier one left.
import { closeSync, writeSync } from 'node:fs'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { endOnSignals } from './end-on-signals.ts'
import { homeOf } from './home.ts'
import { takeInheritance } from './inherited.ts'
import { serve } from './serve.ts'
import { ServiceManager } from './service-manager.ts'
import { readyVariable } from './supervisor-process.ts'

process.title = 'brood supervisor'

/** Where a starter waits for a line of JSON: `{"ready":true}` or `{"error":{…}}`; a predecessor first for `{"loaded":true}`. */
const starter = process.env[readyVariable]
delete process.env[readyVariable]
const inherited = takeInheritance(process.env)

process.on('SIGHUP', () => {}) // the terminal it was started from may go
if (starter === undefined && inherited === undefined) {
  const { superviseAsService } = await import('./service.ts')
  process.exit(await superviseAsService())
}
try {
  if (inherited !== undefined) report({ loaded: true })
  const home = homeOf()
  const systemd = new ServiceManager(process.env)
  const heir = inherited === undefined ? {} : { inherited, isSuccessor: starter !== undefined }
  const served = await serve(home, { remember: true, ...heir })
  endOnSignals(served, () => systemd.ending())
  report({ ready: true })
  endReport()
  if (inherited !== undefined) void systemd.supervisedBy(process.pid, home)
  await served.ended
  process.exit(0)
} catch (error) {
  const code = error instanceof BroodError ? error.code : 'internal'
  report({ error: { code, message: messageOf(error) } })
  // Of several that workers have started, all but one end here; that is no failure.
  const isNeeded = code !== 'supervisor_running' && code !== 'no_supervisor'
  if (starter === undefined && isNeeded) console.error(error)
  process.exit(1)
}

function report(value: unknown): void {
  if (starter === undefined) return
  try {
    writeSync(Number(starter), `${JSON.stringify(value)}\n`)
  } catch {
    // Whoever started us does not wait any more.
  }
}

function endReport(): void {
  if (starter !== undefined) closeSync(Number(starter))
}
