// Runs one benchmark by name: node bench/main.ts <name> [options].
import type { Suite } from './suite.ts'

const suites: Record<string, () => Promise<Suite>> = {
  cluster: async () => (await import('./cluster.ts')).cluster,
  share: async () => (await import('./share.ts')).share,
  proxy: async () => (await import('./proxy.ts')).proxy,
  process: async () => (await import('./process.ts')).processes,
}

const [name = '', ...words] = process.argv.slice(2)
const load = Object.hasOwn(suites, name) ? suites[name] : undefined
if (load) {
  await runSuite(await load(), words)
} else {
  console.error(`which benchmark? Give one of these names: ${Object.keys(suites).join(', ')}`)
  process.exitCode = 2
}

async function runSuite(suite: Suite, words: readonly string[]): Promise<void> {
  const interrupted = new AbortController()
  // The handlers stay: a second Ctrl-C must not cut short the ending of what was started.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => interrupted.abort(new Error(`interrupted by ${name}`)))
  }
  try {
    console.log(`${suite.question}\n`)
    await suite.run(words, interrupted.signal)
  } catch (cause) {
    const reason = interrupted.signal.aborted ? interrupted.signal.reason : cause
    console.error(`bench: ${reason instanceof Error ? reason.message : reason}`)
    process.exitCode = interrupted.signal.aborted ? 130 : 1
  }
}
