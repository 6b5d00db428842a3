// Makes a fresh checkout ready (dependencies, build), then runs one task of package.json on the project's own Node.
// Plain JavaScript, because it must still run on the Node 20 that a machine may happen to have.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './run/build.js'
import { endLike, runChild } from './run/child.js'
import { install } from './run/install.js'
import { ownNode, ownPath } from './run/own-node.js'

/** What `npm start` runs; arguments after `npm start --` are appended. */
const START = 'bin/brood.js run examples/hello/server.js -w max --name hello --log-files --hints'.split(' ')

const CHECK = ['scripts/check.ts']
const BENCH = ['bench/main.ts']
const FAULTS = ['scripts/faults.ts']
const ALL_TESTS = 'test/**/*.test.ts'

/**
 * Two test files at a time: the integration tests start whole clusters, and more of them at once starve each other on
 * the two cores of a small CI machine. A single test gets three minutes, so that none can hang without a name.
 */
const TEST = ['--test', '--test-concurrency=2', '--test-timeout=180000', '--test-reporter=spec']

/** A CI machine may end a run after 30 minutes without a word. Ended here before that, node:test still says which file hung. */
const TEST_DEADLINE_MINUTES = 24

const COVERAGE = [
  ...TEST,
  '--test-reporter-destination=stdout',
  '--test-reporter=lcov',
  '--test-reporter-destination=coverage/lcov.info',
  '--experimental-test-coverage',
  '--test-coverage-include=src/**',
]

const USAGE = `usage: node scripts/run.js <task> [arguments]

  start                    a demo server as a cluster on all cores
  test [files] [flags]     the checks, then every test; with files: these test files alone, no checks
       --no-check          the tests alone
       --test-…=…          flags for node --test, for instance --test-name-pattern=reload
  check [names]            types, format, lint, layers, dead code, package, docs; with names: these alone
  build                    src/ into dist/
  bench [arguments]        the benchmarks
  faults [names]           the fault tests at their full length; docs/reliability.md says how to replay one
  coverage [files]         the tests with coverage: a table here, coverage/lcov.info for tools
`

const TASKS = {
  start: (args) => node([...START, ...args]),
  check: (args) => node([...CHECK, ...args]),
  build: () => ({ code: 0, signal: null }), // done before every task
  bench: (args) => node([...BENCH, ...args]),
  faults: (args) => node([...FAULTS, ...args]),
  test,
  coverage,
}

const root = fileURLToPath(new URL('..', import.meta.url))
const environment = { ...process.env, PATH: ownPath(root) }

async function main([task = '', ...args]) {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 20) {
    return fail(`Node ${process.versions.node} is too old: this needs Node 20 or later (https://nodejs.org)`)
  }
  if (!Object.hasOwn(TASKS, task)) {
    process.stderr.write(USAGE)
    process.exitCode = 2
    return
  }
  const installed = await install(root)
  if (installed.stop || installed.code !== 0) return endLike(installed)
  // `check` goes on after a broken build: it reports the same type errors itself, beside everything else that is wrong.
  const built = await build(root, ownNode(root), { env: environment, quiet: task === 'check' })
  if (built.stop || (built.code !== 0 && task !== 'check')) return endLike(built)
  endLike(await TASKS[task](args))
}

async function test(args) {
  const flags = args.filter((arg) => arg.startsWith('-') && arg !== '--no-check')
  const files = args.filter((arg) => !arg.startsWith('-'))
  if (files.length > 0) return node([...TEST, ...flags, ...files])

  const check = args.includes('--no-check') ? undefined : await node(CHECK)
  if (check?.stop) return check
  const setup = await setUpTestServers()
  if (setup.stop) return setup
  const tests = await node([...TEST, ...flags, ALL_TESTS], { minutes: TEST_DEADLINE_MINUTES })
  if (tests.stop || tests.code !== 0 || check === undefined || check.code === 0) return tests
  // A slip of format must not hide what the tests have to say, so they ran; but the whole has failed.
  process.stderr.write('npm test: failed: every test passed, but a check above did not (`npm run check`)\n')
  return check
}

async function coverage(args) {
  mkdirSync(path.join(root, 'coverage'), { recursive: true })
  const setup = await setUpTestServers()
  if (setup.stop) return setup
  const named = args.some((arg) => !arg.startsWith('-'))
  const preload = new URL('run/count-in-src.js', import.meta.url).href
  const env = { ...environment, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${preload}` }
  return node([...COVERAGE, ...args, ...(named ? [] : [ALL_TESTS])], { env })
}

/** Never fails the run: the script says what is missing, and the tests that need it say that they are skipped. */
async function setUpTestServers() {
  return runChild('sh', ['scripts/setup-test-servers.sh'], { cwd: root, env: environment })
}

function node(args, options = {}) {
  return runChild(ownNode(root), args, { cwd: root, env: environment, ...options })
}

function fail(message) {
  process.stderr.write(`scripts/run.js: ${message}\n`)
  process.exitCode = 1
}

main(process.argv.slice(2)).catch((error) => fail(error.message))
