// `brood startup`: shows before it writes, replaces only what it wrote, removes only what is disabled.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Ran } from '../support/brood.ts'
import { assertRefused, brood, nobody } from '../support/command.ts'
import { temporaryFolder } from '../support/temporary.ts'

const timeout = 30_000

function own(t: TestContext): {
  run(...args: string[]): Promise<Ran>
  folder: string
  unit: string
  home: string
} {
  const home = temporaryFolder(t)
  const config = temporaryFolder(t)
  const folder = join(config, 'systemd/user')
  return {
    run: (...args) => brood(['startup', '--user-unit', ...args], { home, env: { XDG_CONFIG_HOME: config } }),
    folder,
    unit: join(folder, 'brood.service'),
    home,
  }
}

test('shows the unit and what is to be done, and writes nothing', { timeout }, async (t) => {
  const { run, unit, home } = own(t)
  const ran = await run()
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /^# Written by 'brood startup'/)
  assert.ok(ran.stdout.includes(`Environment="BROOD_HOME=${home}"`))
  assert.match(ran.stderr, /Nothing was written/)
  assert.ok(ran.stderr.includes(unit))
  assert.match(ran.stderr, /systemctl --user enable --now brood\.service/)
  assert.match(ran.stderr, /loginctl enable-linger/)
  assert.equal(existsSync(unit), false)
  assert.deepEqual(await run('--print'), { ...ran, stderr: '' })
})

test('--write writes what was shown, again and again', { timeout }, async (t) => {
  const { run, unit } = own(t)
  const shown = await run('--print')
  for (let time = 0; time < 2; time++) assert.equal((await run('--write')).code, 0)
  assert.equal(readFileSync(unit, 'utf8'), shown.stdout)
})

test("somebody else's unit is neither replaced nor removed", { timeout }, async (t) => {
  const { run, folder, unit } = own(t)
  mkdirSync(folder, { recursive: true })
  writeFileSync(unit, '[Service]\nExecStart=/bin/true\n')
  assertRefused(await run('--write'), 2, /was not written by brood/, /--name/)
  assertRefused(await run('--remove', '--write'), 2, /was not written by brood/)
  assert.equal((await run('--write', '--name', 'brood-2')).code, 0)
  assert.equal(existsSync(join(folder, 'brood-2.service')), true)
})

test('--remove shows first, and leaves a unit that is enabled', { timeout }, async (t) => {
  const { run, folder, unit } = own(t)
  await run('--write')
  assert.match((await run('--remove')).stderr, /disable --now brood\.service/)
  const wants = join(folder, 'default.target.wants')
  mkdirSync(wants)
  symlinkSync(unit, join(wants, 'brood.service'))
  assertRefused(await run('--remove', '--write'), 1, /is enabled/, /systemctl --user disable --now/)
  assert.equal(existsSync(unit), true)
})

test('--remove --write removes a unit that is not enabled', { timeout }, async (t) => {
  const { run, unit } = own(t)
  await run('--write')
  const { removed } = JSON.parse((await run('--remove', '--write', '--json')).stdout)
  assert.equal(removed, true)
  assert.equal(existsSync(unit), false)
})

test('a unit for another user has the folder of that user', { timeout }, async (t) => {
  const ran = await brood(['startup', '--user', 'daemon', '--print'], { home: '' })
  assert.match(ran.stdout, /^User=daemon$/m)
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('daemon:'))
  assert.ok(ran.stdout.includes(`BROOD_HOME=${line?.split(':')[5]}/.brood"`), ran.stdout)
  assertRefused(
    await brood(['startup', '--user', 'nobody-of-that-name'], { home: temporaryFolder(t) }),
    1,
    /no user/,
  )
})

test('without the right to write it says so, and what to do', {
  timeout,
  skip: process.getuid?.() !== 0 && 'needs root',
}, async (t) => {
  const ran = await brood(['startup', '--write'], { home: temporaryFolder(t), uid: nobody })
  assertRefused(ran, 1, /no right to change \/etc\/systemd\/system\/brood\.service/, /sudo/)
})

test('a name that is no name, and options that exclude each other', { timeout }, async (t) => {
  const { run } = own(t)
  assertRefused(await run('--name', '../x'), 2, /--name/)
  assertRefused(await run('--write', '--print'), 2, /--print/)
  assertRefused(await run('--system'), 2, /--system/)
})
