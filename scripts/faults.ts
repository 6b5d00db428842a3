// Runs all fault tests at their full length, and makes one file and one table of what they found.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describeMachine } from '../bench/system/machine.ts'

const root = path.dirname(import.meta.dirname)
const results = 'bench/results/faults.json'
const suites = ['supervisor-kill', 'bad-moments', 'kill', 'reload', 'churn', 'driver/driver']

/** What is given from outside counts: a seed to replay, or a shorter run. */
const full = {
  BROOD_SUPERVISOR_KILLS: '200',
  BROOD_KILLS: '100',
  BROOD_RELOADS: '100',
  BROOD_CYCLES: '10000',
  BROOD_RESTARTS: '1000',
  BROOD_FAULT_SEED: `${Date.now() % 1_000_000}`,
  BROOD_FAULT_STEPS: '500',
  BROOD_FAULT_SECONDS: '600',
  ...process.env,
}

interface Outcome {
  readonly passed: boolean
  readonly seconds: number
}

function run(suite: string, figures: string): Promise<Outcome> {
  const started = performance.now()
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', `test/faults/${suite}.test.ts`], {
    cwd: root,
    env: { ...full, BROOD_FAULT_FIGURES: figures },
    stdio: 'inherit',
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) =>
      resolve({ passed: code === 0, seconds: Math.round((performance.now() - started) / 1000) }),
    )
  })
}

async function main(names: readonly string[]): Promise<void> {
  const chosen = suites.filter((suite) => names.length === 0 || names.includes(suite))
  const folder = mkdtempSync(path.join(tmpdir(), 'brood-figures-'))
  const machine = describeMachine()
  const outcomes: Record<string, Outcome> = {}
  for (const suite of chosen) outcomes[suite] = await run(suite, folder)
  const figures = Object.fromEntries(
    readdirSync(folder).map((file) => [
      path.basename(file, '.json'),
      JSON.parse(readFileSync(path.join(folder, file), 'utf8')),
    ]),
  )
  rmSync(folder, { recursive: true })
  const file = chosen.length === suites.length ? results : results.replace('.json', '.tmp.json')
  writeFileSync(path.join(root, file), `${JSON.stringify({ machine, outcomes, figures }, null, 2)}\n`)
  console.log(`\nseed ${full.BROOD_FAULT_SEED}`)
  console.table(outcomes)
  console.log(`figures: ${file}`)
  process.exitCode = Object.values(outcomes).every(({ passed }) => passed) ? 0 : 1
}

await main(process.argv.slice(2))
