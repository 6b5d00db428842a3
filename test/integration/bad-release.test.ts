// A bad release replaces nobody: the reload says what is wrong with it, and the workers there were go on as if nothing had been.
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { AppResult } from '../../src/daemon/control/contract.ts'
import { Brood, pidsOf, program } from '../support/brood.ts'
import { assertRefused } from '../support/command.ts'
import { startLoad } from '../support/load/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const flags = ['-w', '2', '--name', 'web', '--ready-timeout', '2s', '--settle', '500ms']

/** A script that was released well, and a little load on it. */
async function released(t: TestContext) {
  const brood = Brood.create(t)
  const script = join(temporaryFolder(t), 'release.mjs')
  const release = (source: string) => writeFileSync(script, source)
  const mend = () => copyFileSync(program('module.mjs'), script)
  mend()
  const { report, port } = await brood.start(script, ...flags)
  const kinds = { keepAliveBusy: { clients: 2, pause: 5 }, short: { clients: 2, pause: 5 } }
  const load = startLoad({ port, signal: t.signal, kinds })
  const before = pidsOf(report)

  /** Each of these answers once more from now on. */
  const answering = (pids: readonly number[]) => {
    const until = new Map(pids.map((pid) => [pid, load.report.total.pids.get(pid) ?? 0]))
    return load.until(({ total }) => [...until].every(([pid, count]) => (total.pids.get(pid) ?? 0) > count))
  }
  /** Workers and whether the app runs, as it must be after a reload that failed. */
  const present = async () => {
    const [web] = await brood.list()
    assert.equal(web?.status, 'running')
    assert.deepEqual(
      web.workers.map(({ state }) => state),
      ['ready', 'ready'],
    )
    return pidsOf(web)
  }
  /** A good release comes after the bad one, and no request has failed on the way but such as one that `died` had accepted. */
  const endsWell = async (died: 'in service' | 'before' = 'before') => {
    const old = await present()
    mend()
    const ran = await brood.run('reload', 'web')
    assert.equal(ran.code, 0, ran.stderr)
    const after = await present()
    assert.equal(new Set([...old, ...after]).size, 4, `${old} were replaced by ${after}`)
    await answering(after)
    const { total, examples } = await load.stop()
    if (died === 'before') assert.deepEqual(examples, [])
    assert.equal(total.failures, total.resets)
    // One for each client at most.
    assert.ok(total.resets <= (died === 'before' ? 0 : 4), `${examples}`)
  }
  await answering(before)
  return { brood, before, release, answering, present, endsWell }
}

const good = readFileSync(program('module.mjs'), 'utf8')

const badReleases: [what: string, source: string, reason: RegExp, lastWords: RegExp][] = [
  [
    'crashes at boot',
    readFileSync(program('crashes-at-boot.js'), 'utf8'),
    /exited with code 1: Error: no database at db\.example\.test:5432 \(release\.mjs:2\)/,
    /^ {2}\| Error: no database at db\.example\.test:5432$/m,
  ],
  [
    'cannot be parsed',
    readFileSync(program('syntax-error.js'), 'utf8'),
    /exited with code 1: SyntaxError: /,
    /^ {2}\| SyntaxError: /m,
  ],
  [
    'ends without a word of its own',
    'console.error("nothing to do"); process.exit(0)',
    /exited with code 0/,
    /^ {2}\| nothing to do$/m,
  ],
  [
    'never becomes ready',
    `console.error('waiting for a database'); setInterval(() => {}, 60_000)`,
    /was not ready within 2s/,
    /^ {2}\| waiting for a database$/m,
  ],
  [
    'dies right after it is ready',
    `${good}
    console.error('looks good')
    setTimeout(() => { throw new Error('but is not') }, 20)`,
    /exited with code 1: Error: but is not \(release\.mjs:\d+\)/,
    /^ {2}\| looks good$/m,
  ],
]

describe('a release that', { concurrency: 3 }, () => {
  for (const [what, source, reason, lastWords] of badReleases) {
    test(`${what} replaces nobody, and the next good one everybody`, bounded, async (t) => {
      const { brood, before, release, answering, present, endsWell } = await released(t)
      release(source)
      const ran = await brood.run('reload', 'web')
      assertRefused(ran, 4, /^brood: web\/0 /, reason, /the old workers go on/)
      assert.match(ran.stderr, lastWords)
      assert.deepEqual(await present(), before)
      await answering(before)
      const events = await brood.events()
      const [aborted, ...more] = events.filter(({ type }) => type === 'reload-aborted')
      assert.deepEqual(more, [])
      assert.equal(aborted?.slot, 0)
      assert.match(aborted.reason ?? '', reason)
      assert.match((await brood.show('web')).failure?.reason ?? '', reason)
      await endsWell(what === 'dies right after it is ready' ? 'in service' : 'before')
    })
  }

  test('is bad in the second slot only leaves the first one replaced', bounded, async (t) => {
    const { brood, before, release, answering, present, endsWell } = await released(t)
    release(`if (process.env.BROOD_SLOT === '1') throw new Error('not in this slot')\n${good}`)
    const ran = await brood.run('reload', 'web', '--json')
    assert.equal(ran.code, 4)
    const [result, ...others] = JSON.parse(ran.stdout) as AppResult[]
    assert.deepEqual(others, [])
    assert.equal(result?.app, 'web')
    assert.equal(result.error?.code, 'not_ready')
    assert.match(result.error.message, /^web\/1 exited with code 1: Error: not in this slot/)
    assert.match(result.error.detail.join('\n'), /not in this slot/)
    const [first, second] = await present()
    assert.ok(first)
    assert.equal(before.includes(first), false, 'slot 0 runs the new release')
    assert.equal(second, before[1], 'slot 1 runs the old one')
    await answering([first, Number(second)])
    await endsWell()
  })
})
