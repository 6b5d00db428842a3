// Runs every check of the repository side by side, a line for each and the findings of those that fail.
import path from 'node:path'
import { checkDocs } from './check/docs.ts'
import { checkLayers } from './check/layers.ts'
import { checkSpeaksOfProjectAlone } from './check/project-alone.ts'
import { tool } from './check/tool.ts'

/** Returns what is wrong, an entry for each finding; nothing when all is well. */
type Check = (root: string) => Promise<string[]>

const checks: Record<string, Check> = {
  types: tool('typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'),
  style: tool(
    '@biomejs/biome/bin/biome',
    'ci',
    '--colors=off',
    '--error-on-warnings',
    '--diagnostic-level=warn',
    '.',
  ),
  'dead-code': tool('knip/bin/knip.js', '--no-progress'),
  package: tool('publint/src/cli.js', 'run', '--strict'),
  layers: checkLayers,
  docs: checkDocs,
  'project-alone': checkSpeaksOfProjectAlone,
}

interface Outcome {
  name: string
  findings: string[]
}

async function timed(name: string, check: Check, root: string): Promise<Outcome> {
  const started = performance.now()
  const findings = await check(root).catch((error) => [`the check itself failed: ${error.stack ?? error}`])
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${findings.length === 0 ? '✔' : '✖'} ${name.padEnd(15)} ${seconds} s`)
  return { name, findings }
}

async function main(names: string[]) {
  const unknown = names.filter((name) => !Object.hasOwn(checks, name))
  if (unknown.length > 0) {
    console.error(`no such check: ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}`)
    process.exitCode = 2
    return
  }
  const root = path.dirname(import.meta.dirname)
  const chosen = Object.entries(checks).filter(([name]) => names.length === 0 || names.includes(name))
  const outcomes = await Promise.all(chosen.map(([name, check]) => timed(name, check, root)))
  const failed = outcomes.filter((outcome) => outcome.findings.length > 0)
  for (const { name, findings } of failed) console.log(`\n✖ ${name}\n\n${findings.join('\n')}`)
  console.log(failed.length === 0 ? '' : `\n${failed.length} of ${outcomes.length} checks failed`)
  process.exitCode = failed.length === 0 ? 0 : 1
}

await main(process.argv.slice(2))
