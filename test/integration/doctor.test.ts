// `brood doctor` on this very machine: what it prints, and what its exit code says.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { Finding } from '../../src/daemon/doctor/finding.ts'
import { Brood, program } from '../support/brood.ts'
import { brood } from '../support/command.ts'

const timeout = 30_000

test('a line or two for each finding, a summary, and exit code 1 when there is a problem', {
  timeout,
}, async (t) => {
  const own = Brood.create(t)
  await own.start(program('http.js'), '--name', 'web')
  const findings: Finding[] = JSON.parse((await own.run('doctor', '--json')).stdout)
  const of = (check: string): Finding | undefined => findings.find((one) => one.check === check)
  assert.equal(of('node')?.level, 'ok')
  assert.match(of('supervisor')?.what ?? '', /^pid \d+, brood /)
  assert.equal(of('home')?.level, 'ok')
  assert.match(of('state')?.what ?? '', /^1 app is remembered$/)
  for (const { level, mend } of findings) assert.equal(mend === undefined, level === 'ok')
  const { stdout, code } = await own.run('doctor')
  const plain = stripVTControlCharacters(stdout)
  for (const { check, mend } of findings) {
    assert.match(plain, new RegExp(`^[✔•✖] ${check} `, 'm'))
    if (mend !== undefined) assert.ok(plain.includes(`→ ${mend}\n`), mend)
  }
  assert.equal(code, findings.some(({ level }) => level === 'problem') ? 1 : 0)
})

test('what is wrong with a home is found before anything is started', { timeout }, async (t) => {
  const own = Brood.create(t)
  writeFileSync(join(own.home, 'state.json'), '{"torn')
  chmodSync(own.home, 0o755)
  const { code, stdout } = await own.run('doctor', '--json')
  assert.equal(code, 1)
  const findings: Finding[] = JSON.parse(stdout)
  assert.deepEqual(
    findings
      .filter(({ check }) => check === 'home' || check === 'state')
      .map(({ check, level }) => [check, level]),
    [
      ['home', 'notice'],
      ['state', 'problem'],
    ],
  )
})

test('a home that cannot be has its own finding', { timeout }, async () => {
  const { code, stdout } = await brood(['doctor'], { home: `/tmp/${'x'.repeat(200)}` })
  assert.equal(code, 1)
  assert.match(stdout, /✖ home +BROOD_HOME is too long/)
})
