// `brood run` as PID 1, as in a container: somebody must wait for orphans, pass signals on and tell the exit code.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Brood, portOf, program } from '../support/brood.ts'
import { Beside, bin, start } from '../support/command.ts'

const timeout = 30_000
const leavesOrphans = fileURLToPath(new URL('../fixtures/misbehaving/leaves-orphans.js', import.meta.url))
const saysSignals = fileURLToPath(new URL('../fixtures/misbehaving/says-signals.js', import.meta.url))
/** A PID namespace of its own, with the /proc that belongs to it; gone with `unshare`. */
const own = ['--pid', '--fork', '--mount-proc', '--kill-child']

test('orphans of the program are waited for: no zombie stays', { timeout }, async (t) => {
  const first = await runAsFirst(t, leavesOrphans)
  if (first === undefined) return
  const [report] = await first.brood.list()
  assert.ok(report)
  const ask = async (path: string): Promise<number> => {
    const url = `http://127.0.0.1:${portOf(report)}${path}`
    return JSON.parse(await (await fetch(url, { signal: t.signal })).text()).zombies
  }
  await ask('/orphans')
  // PID 1 learns of a death just after we do; the test's time bounds how long that may take.
  while ((await ask('/zombies')) > 0) assert.equal(t.signal.aborted, false)
  first.signal('SIGTERM')
  assert.equal((await first.unshare.ended).code, 0)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} to PID 1 ends the app in order, with exit code 0`, { timeout }, async (t) => {
    const first = await runAsFirst(t, program('http.js'), '-w', '2')
    if (first === undefined) return
    first.signal(signal)
    assert.equal((await first.unshare.ended).code, 0)
    assert.deepEqual(first.brood.processes(), [])
  })
}

test('a second SIGINT to PID 1 kills at once what ignores the first', { timeout }, async (t) => {
  const first = await runAsFirst(t, saysSignals, '--grace', '1h')
  if (first === undefined) return
  first.signal('SIGINT')
  await first.unshare.until(/got SIGTERM/)
  first.signal('SIGINT')
  await first.unshare.ended
  assert.deepEqual(first.brood.processes(), [])
})

test('PID 1 ends with the exit code of brood run', { timeout }, async (t) => {
  if (!mayUnshare(t)) return
  const brood = Brood.create(t)
  const exits: [code: number, ...args: string[]][] = [
    [4, program('never-ready.js'), '--ready-timeout', '300ms'],
    [1, program('crashes-after-ready.js'), '--intensity', '0', '--env', 'PORT=0'],
    [2, program('http.js'), '-w', '0'],
  ]
  for (const [code, ...args] of exits) {
    const ran = await inNamespace(t, brood, ...args).ended
    assert.equal(ran.code, code, ran.stderr)
    assert.doesNotMatch(ran.stderr, /Warning/)
    assert.deepEqual(brood.processes(), [])
  }
})

interface First {
  readonly brood: Brood
  readonly unshare: Beside
  /** To PID 1, from outside, as a container's engine does it. */
  signal(signal: NodeJS.Signals): void
}

/** The app as PID 1, ready; undefined, and the test skipped, where there are no namespaces to be had. */
async function runAsFirst(t: TestContext, script: string, ...flags: string[]): Promise<First | undefined> {
  if (!mayUnshare(t)) return undefined
  const brood = Brood.create(t)
  const unshare = inNamespace(t, brood, '--name', 'web', '--env', 'PORT=0', ...flags, script)
  await unshare.until(/web +0 +\d+ +ready/)
  const outer = unshare.child.pid
  const pid = Number(readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim())
  assert.ok(pid > 1)
  return {
    brood,
    unshare,
    signal(signal) {
      process.kill(pid, signal)
    },
  }
}

function inNamespace(t: TestContext, brood: Brood, ...args: string[]): Beside {
  return new Beside(
    t,
    start('unshare', [...own, process.execPath, bin, 'run', ...args], { home: brood.home }),
  )
}

function mayUnshare(t: TestContext): boolean {
  if (spawnSync('unshare', [...own, 'true']).status === 0) return true
  t.skip('no PID namespace can be made here (that takes root, and a container that may)')
  return false
}
