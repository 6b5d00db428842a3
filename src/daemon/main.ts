// The daemon's entry: a supervisor in the background, started by the command line.
import { closeSync, writeSync } from 'node:fs'
import { BroodError, messageOf } from '../kernel/errors.ts'
import { homeOf } from './home.ts'
import { type Served, serve } from './serve.ts'

/** Where the starter waits for one line of JSON: `{"ready":true}` or `{"error":{…}}`. */
const readyDescriptor = 3

process.title = 'brood supervisor'

const home = homeOf()
try {
  const served = await serve(home, { remember: true })
  served.supervisor.restore()
  endOnSignals(served)
  report({ ready: true })
  await served.ended
  process.exit(0)
} catch (error) {
  const code = error instanceof BroodError ? error.code : 'internal'
  report({ error: { code, message: messageOf(error) } })
  process.exit(1)
}

function endOnSignals(served: Served): void {
  let ending = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (ending) return
      ending = true
      served.end({ forget: false })
    })
  }
  process.on('SIGHUP', () => {}) // the terminal it was started from may go
}

function report(value: unknown): void {
  writeSync(readyDescriptor, `${JSON.stringify(value)}\n`)
  closeSync(readyDescriptor)
}
