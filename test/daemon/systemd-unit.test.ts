// The unit's text: what systemd itself thinks of it, with paths that have every character systemd gives a meaning.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { stopTimeout, type UnitSettings, unitText } from '../../src/daemon/systemd-unit.ts'
import { temporaryFolder } from '../support/temporary.ts'

const usual: UnitSettings = {
  node: '/bin/sh',
  brood: '/opt/brood/bin/brood.js',
  home: '/var/lib/brood',
  path: '/usr/bin:/bin',
  user: 'root',
  kind: 'system',
  longestGrace: 10_000,
  systemdVersion: 252,
}
/** Newer systemds know more settings than the one at hand may. */
const anyVersion = /DelegateSubgroup/

function verify(t: TestContext, settings: UnitSettings): string[] {
  const path = join(temporaryFolder(t), 'brood.service')
  writeFileSync(path, unitText(settings))
  const kind = settings.kind === 'user' ? ['--user'] : []
  const { stderr, status } = spawnSync('systemd-analyze', ['verify', ...kind, path], {
    encoding: 'utf8',
    env: { ...process.env, XDG_RUNTIME_DIR: temporaryFolder(t) },
  })
  const said = stderr.split('\n').filter((line) => line.includes('brood') && !anyVersion.test(line))
  assert.equal(status, 0, stderr)
  return said
}

const skip =
  spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'there is no systemd-analyze here'

for (const [name, settings] of Object.entries({
  'of the system': usual,
  'of the system, newer systemd': { ...usual, systemdVersion: 257 },
  'of a user': { ...usual, kind: 'user', user: undefined },
  'with every character that has a meaning': {
    ...usual,
    brood: '/a b/100%n/$HOME/"q"/\\n/brood.js',
    home: '/srv/50% "of" $x\\y',
    path: '/opt/my tools%/bin:/bin',
  },
} satisfies Record<string, UnitSettings>)) {
  test(`systemd has nothing to say against a unit ${name}`, { timeout: 20_000, skip }, (t) => {
    assert.deepEqual(verify(t, settings), [])
  })
}

test('systemd does complain when something is wrong', { timeout: 20_000, skip }, (t) => {
  const said = verify(t, { ...usual, path: '/bin"\nNoSuchSetting=1\nEnvironment="A=b' })
  assert.deepEqual(said, [], 'a line break in a value must not begin a setting')
  const path = join(temporaryFolder(t), 'brood.service')
  writeFileSync(path, unitText(usual).replace('KillMode=process', 'KillMode=nonsense'))
  assert.match(spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' }).stderr, /kill mode/)
})

test('a program at a path with spaces and percent signs is found', { timeout: 20_000, skip }, (t) => {
  const folder = join(temporaryFolder(t), 'a b 100%n $x')
  mkdirSync(folder)
  const node = join(folder, 'my node')
  copyFileSync('/bin/sh', node)
  chmodSync(node, 0o755)
  assert.deepEqual(verify(t, { ...usual, node }), [])
  // Verify looks for the program, so a wrong quoting would be seen: it misses one that is not there.
  assert.throws(() => verify(t, { ...usual, node: join(folder, 'no node') }), /not executable/)
})

test('a program at a path that systemd refuses is started by env', { timeout: 20_000, skip }, (t) => {
  assert.deepEqual(verify(t, { ...usual, node: `/opt/my "new" node's/bin\\node` }), [])
})

test('$ and % stand for themselves', () => {
  const text = unitText({ ...usual, brood: '/p/$a/%b.js', home: '/h/$a/%b' })
  assert.match(text, /^ExecStart="\/bin\/sh" "\/p\/\$\$a\/%%b\.js" supervise$/m)
  // No variables in Environment=.
  assert.match(text, /^Environment="BROOD_HOME=\/h\/\$a\/%%b"$/m)
})

test('systemd waits longer than the longest grace period', () => {
  assert.match(unitText({ ...usual, longestGrace: 600_000 }), /^TimeoutStopSec=630$/m)
  assert.match(unitText({ ...usual, longestGrace: 0 }), /^TimeoutStopSec=90$/m)
  assert.equal(stopTimeout(60_000), 90_000)
})

test('a unit of a user names no user, and waits for nothing that user managers do not have', () => {
  const text = unitText({ ...usual, kind: 'user', user: undefined })
  assert.doesNotMatch(text, /^User=|network-online/m)
  assert.match(text, /^WantedBy=default\.target$/m)
})
