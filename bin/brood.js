#!/usr/bin/env node
// The command line's entry: refuses a Node that is too old in one line, then loads the real program. Runs on Node 18.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const supported = (major === 24 && minor >= 19) || (major === 26 && minor >= 4) || major > 26

if (!supported) {
  process.stderr.write(
    `brood: Node ${process.versions.node} is too old: brood needs Node 24.19 or later, or 26.4 or later (https://nodejs.org)\n`,
  )
  process.exitCode = 1
} else {
  const { enableCompileCache } = await import('node:module')
  enableCompileCache()
  const { main } = await import('../dist/cli/main.js')
  await main(process.argv.slice(2))
}
